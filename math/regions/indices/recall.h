// Recall: I / Y. Of the tubed skeleton of the labels it is the skeleton recall (Kirchhoff et al. 2024).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Recall {
  static constexpr const char* kName = "recall";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    return ratio(o.both + options.numerator_smooth, o.target + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
