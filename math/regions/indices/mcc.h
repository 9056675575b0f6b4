// Matthews' correlation coefficient: (n I - P Y) / sqrt(P Y (n - P) (n - Y)).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Mcc {
  static constexpr const char* kName = "mcc";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    const LinearMoment covariance = o.pixels * o.both - o.prediction * o.target;
    const LinearMoment variances = o.prediction * (o.pixels - o.prediction) * (o.target * (o.pixels - o.target));
    const double root = std::sqrt(variances.value > 0 ? variances.value : 0);
    const LinearMoment deviation = {root, root > 0 ? variances.slopes.times(0.5 / root) : RegionSlopes{}};
    // constant predictions or targets correlate with nothing
    if (root == 0 && options.denominator_smooth == 0) return {0, {}};
    return ratio(covariance + options.numerator_smooth, deviation + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
