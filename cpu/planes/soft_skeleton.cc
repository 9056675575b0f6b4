#include "cpu/planes/soft_skeleton.h"

#include <algorithm>
#include <utility>

#include "math/regions/soft_skeleton.h"

namespace cutloss::cpu {
namespace {

float least(float a, float b) { return b < a ? b : a; }
float largest(float a, float b) { return b > a ? b : a; }

}  // namespace

SoftSkeleton::SoftSkeleton(const PlaneShape& shape, int64_t rounds, Arena* arena)
    : shape_(shape), rounds_(rounds), size_(shape.pixels()) {
  eroded_ = arena->take<float>((rounds + 1) * size_);
  skeletons_ = arena->take<float>((rounds + 1) * size_);
  opening_ = arena->take<float>(size_);
  turn_ = arena->take<float>(size_);
  grown_ = arena->take<float>(size_);
  slope_ = arena->take<float>(size_);
  next_slope_ = arena->take<float>(size_);
}

/// Every row's line(row, above, below, before, behind, to); at a border the row is its own neighbour, which changes
/// neither a least nor a largest.
template <class Line>
void SoftSkeleton::each_row(const float* from, float* to, const Line& line) const {
  const auto [depth, height, width] = shape_;
  for (int64_t z = 0; z < depth; ++z) {
    for (int64_t y = 0; y < height; ++y) {
      const auto row = [=, height = height, width = width](int64_t at_z, int64_t at_y) {
        return from + (at_z * height + at_y) * width;
      };
      const math::Beside<int64_t> ys(y, height), zs(z, depth);
      line(row(z, y), row(z, ys.first), row(z, ys.last), row(zs.first, y), row(zs.last, y),
           to + (z * height + y) * width);
    }
  }
}

void SoftSkeleton::erode(const float* from, float* to) const {
  each_row(from, to,
           [width = shape_.width](const float* row, const float* above, const float* below, const float* before,
                                  const float* behind, float* __restrict out) {
             for (int64_t x = 0; x < width; ++x) {
               out[x] = least(least(least(row[x], above[x]), below[x]), least(before[x], behind[x]));
             }
             for (int64_t x = 1; x < width; ++x) out[x] = least(out[x], row[x - 1]);
             for (int64_t x = 0; x + 1 < width; ++x) out[x] = least(out[x], row[x + 1]);
           });
}

void SoftSkeleton::dilate(const float* from, float* to) {
  const int64_t width = shape_.width;
  each_row(from, to,
           [width](const float* row, const float*, const float*, const float*, const float*, float* __restrict out) {
             std::copy_n(row, width, out);
             for (int64_t x = 1; x < width; ++x) out[x] = largest(out[x], row[x - 1]);
             for (int64_t x = 0; x + 1 < width; ++x) out[x] = largest(out[x], row[x + 1]);
           });
  each_row(to, turn_,
           [width](const float* row, const float* above, const float* below, const float*, const float*,
                   float* __restrict out) {
             for (int64_t x = 0; x < width; ++x) out[x] = largest(largest(row[x], above[x]), below[x]);
           });
  each_row(turn_, to,
           [width](const float* row, const float*, const float*, const float* before, const float* behind,
                   float* __restrict out) {
             for (int64_t x = 0; x < width; ++x) out[x] = largest(largest(row[x], before[x]), behind[x]);
           });
}

const float* SoftSkeleton::of(const float* plane) {
  plane_ = plane;
  for (int64_t round = 0; round <= rounds_; ++round) {
    erode(level(round), eroded(round + 1));
    dilate(eroded(round + 1), opening_);
    const float* value = level(round);
    const float* before = round == 0 ? nullptr : skeleton(round - 1);
    float* grown = skeleton(round);
    for (int64_t i = 0; i < size_; ++i) {
      const float d = math::opened_by(value[i], opening_[i]);
      grown[i] = before ? math::grown_skeleton(before[i], d) : d;
    }
  }
  return skeleton(rounds_);
}

void SoftSkeleton::backward(const float* by_skeleton, float* by_plane) {
  std::copy_n(by_skeleton, size_, grown_);
  std::fill_n(next_slope_, size_, 0.f);
  for (int64_t round = rounds_; round >= 0; --round) {
    const float* value = level(round);
    const float* next = eroded(round + 1);
    dilate(next, opening_);
    std::fill_n(slope_, size_, 0.f);
    for (int64_t i = 0; i < size_; ++i) {
      const float d = math::opened_by(value[i], opening_[i]);
      const math::SkeletonSlopes by = round == 0 ? math::SkeletonSlopes{0, grown_[i]}
                                                 : math::grown_skeleton_slopes(grown_[i], skeleton(round - 1)[i], d);
      grown_[i] = by.before;
      if (!(d > 0) || by.d == 0) continue;
      slope_[i] += by.d;
      next_slope_[math::largest_around(shape_, next, i)] -= by.d;
    }
    for (int64_t i = 0; i < size_; ++i) {
      if (next_slope_[i] != 0) slope_[math::least_beside(shape_, value, i)] += next_slope_[i];
    }
    std::swap(slope_, next_slope_);
  }
  std::copy_n(next_slope_, size_, by_plane);
}

}  // namespace cutloss::cpu
