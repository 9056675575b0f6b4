// F-beta: (1 + b^2) I / (b^2 Y + P), recall weighing b times as much as precision.
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct FBeta {
  static constexpr const char* kName = "fBeta";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    const double square = options.first * options.first;
    return ratio((1 + square) * o.both + options.numerator_smooth,
                 square * o.target + o.prediction + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
