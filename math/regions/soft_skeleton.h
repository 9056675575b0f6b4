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

}  // namespace cutloss::math
