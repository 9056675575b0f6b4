// Accuracy: the share of pixels that are right, (n - P - Y + 2 I) / n.
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Accuracy {
  static constexpr const char* kName = "accuracy";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    return ratio(o.pixels - o.prediction - o.target + 2 * o.both + options.numerator_smooth,
                 o.pixels + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
