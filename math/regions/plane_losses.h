// Losses of regions that depend on where the pixels are, or on their order, and not on sums of single pixels alone. An
// engine looks at whole planes, the predictions of a class of an image, and leaves a few sums of each region; from here
// on they are indices of overlap like the others.
#pragma once

#include "math/regions/indices.h"

namespace cutloss::math {

enum class PlaneLoss : int { kNone, kLovasz };
inline constexpr int kPlaneLossCount = 2;

/// What the planes of a region add up to, or slopes by that. Lovász: the loss itself, in `first`.
struct PlaneSums {
  double first, second, third, fourth;

  CUTLOSS_HD PlaneSums times(double factor) const {
    if (factor == 0) return {0, 0, 0, 0};
    return {factor * first, factor * second, factor * third, factor * fourth};
  }
};

struct PlaneIndex {
  RegionIndex index;
  PlaneSums slopes;
};

CUTLOSS_HD PlaneIndex plane_index(const PlaneSums& sums) {
  // what is not a number leaves no slope of the region a number either
  return {{1 - sums.first, {}}, {-1 + 0 * sums.first, 0, 0, 0}};
}

}  // namespace cutloss::math
