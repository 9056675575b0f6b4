// Dice (Milletari et al. 2016): 2 I / (P + Y). Over several classes weighted by their size it is the generalized Dice
// (Sudre et al. 2017); by l1, the Dice semimetric of soft labels (Wang et al. 2023).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Dice {
  static constexpr const char* kName = "dice";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    return ratio(2 * o.both + options.numerator_smooth, o.prediction + o.target + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
