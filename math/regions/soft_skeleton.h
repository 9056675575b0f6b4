// The soft skeleton (Shit et al. 2021): what openings take off, round by round. With E_0 the plane of probabilities,
//
//   E_{j+1} = erosion of E_j     O_j = dilation of E_{j+1}     d_j = max(E_j - O_j, 0)
//   s_0 = d_0     s_j = s_{j-1} + max(d_j - s_{j-1} d_j, 0)
//
// Erosion is the least of a pixel and its neighbours along the axes, dilation the largest of all around it.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

/// A pixel's d_j.
CUTLOSS_HD float opened_by(float value, float opening) { return value > opening ? value - opening : 0.f; }

/// A pixel's s_j.
CUTLOSS_HD float grown_skeleton(float before, float d) {
  const float more = d - before * d;
  return before + (more > 0 ? more : 0.f);
}

/// Slopes by s_{j-1} and by d_j of the slope by s_j; where nothing grows nothing moves.
struct SkeletonSlopes {
  float before, d;
};
CUTLOSS_HD SkeletonSlopes grown_skeleton_slopes(float slope, float before, float d) {
  if (!(d - before * d > 0)) return {slope, 0};
  return {slope * (1 - d), slope * (1 - before)};
}

/// Sizes and places in integers of type I.
template <class I>
struct PlaneShape {
  I depth, height, width;  // depth 1 in 2-D

  CUTLOSS_HD I pixels() const { return depth * height * width; }
};

/// The places beside one on an axis, itself where the plane ends.
template <class I>
struct Beside {
  I first, last;
  CUTLOSS_HD Beside(I at, I length) : first(at > 0 ? at - 1 : at), last(at + 1 < length ? at + 1 : at) {}
};

template <class I>
struct PixelPlace {
  I z, y, x;
  Beside<I> zs, ys, xs;

  CUTLOSS_HD PixelPlace(const PlaneShape<I>& shape, I pixel)
      : z(pixel / (shape.height * shape.width)),
        y(pixel / shape.width % shape.height),
        x(pixel % shape.width),
        zs(z, shape.depth),
        ys(y, shape.height),
        xs(x, shape.width) {}
};

/// visit(pixel) for a pixel and its neighbours along the axes, in row-major order.
template <class I, class Visit>
CUTLOSS_HD void each_beside(const PlaneShape<I>& shape, I pixel, const Visit& visit) {
  const PixelPlace<I> at(shape, pixel);
  const I slice = shape.height * shape.width;
  if (at.zs.first != at.z) visit(pixel - slice);
  if (at.ys.first != at.y) visit(pixel - shape.width);
  if (at.xs.first != at.x) visit(pixel - 1);
  visit(pixel);
  if (at.xs.last != at.x) visit(pixel + 1);
  if (at.ys.last != at.y) visit(pixel + shape.width);
  if (at.zs.last != at.z) visit(pixel + slice);
}

/// visit(pixel) for all around a pixel and itself, in row-major order.
template <class I, class Visit>
CUTLOSS_HD void each_around(const PlaneShape<I>& shape, I pixel, const Visit& visit) {
  const PixelPlace<I> at(shape, pixel);
  for (I z = at.zs.first; z <= at.zs.last; ++z) {
    for (I y = at.ys.first; y <= at.ys.last; ++y) {
      for (I x = at.xs.first; x <= at.xs.last; ++x) visit((z * shape.height + y) * shape.width + x);
    }
  }
}

/// Where erosion and dilation take their value from: the first such pixel in row-major order.
template <class I>
CUTLOSS_HD I least_beside(const PlaneShape<I>& shape, const float* plane, I pixel) {
  I found = pixel;
  each_beside(shape, pixel, [&](I other) {
    if (plane[other] < plane[found] || (plane[other] == plane[found] && other < found)) found = other;
  });
  return found;
}
template <class I>
CUTLOSS_HD I largest_around(const PlaneShape<I>& shape, const float* plane, I pixel) {
  const PixelPlace<I> at(shape, pixel);
  I found = (at.zs.first * shape.height + at.ys.first) * shape.width + at.xs.first;
  each_around(shape, pixel, [&](I other) {
    if (plane[other] > plane[found]) found = other;
  });
  return found;
}

}  // namespace cutloss::math
