// G-mean: the geometric mean of recall I / Y and specificity (n - P - Y + I) / (n - Y).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct GMean {
  static constexpr const char* kName = "gMean";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    const LinearMoment negatives = o.pixels - o.target;
    const RegionIndex square = ratio(o.both * (negatives - o.prediction + o.both) + options.numerator_smooth,
                                     o.target * negatives + options.denominator_smooth);
    if (!(square.value > 0)) return {square.value < 0 ? 0 : square.value, {}};
    const double root = std::sqrt(square.value);
    return {root, square.slopes.times(0.5 / root)};
  }
};

}  // namespace cutloss::math
