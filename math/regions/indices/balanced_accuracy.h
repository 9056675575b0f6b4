// Balanced accuracy: the mean of recall I / Y and specificity (n - P - Y + I) / (n - Y).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct BalancedAccuracy {
  static constexpr const char* kName = "balancedAccuracy";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    const LinearMoment negatives = o.pixels - o.target;
    const RegionIndex recall = ratio(o.both + options.numerator_smooth, o.target + options.denominator_smooth);
    const RegionIndex specificity =
        ratio(negatives - o.prediction + o.both + options.numerator_smooth, negatives + options.denominator_smooth);
    const LinearMoment mean =
        0.5 * (LinearMoment{recall.value, recall.slopes} + LinearMoment{specificity.value, specificity.slopes});
    return {mean.value, mean.slopes};
  }
};

}  // namespace cutloss::math
