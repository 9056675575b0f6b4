// Tversky (Salehi et al. 2017): I / (I + alpha (P - I) + beta (Y - I)), alpha for false positives, beta for false
// negatives; at one half both, Dice; at one, Jaccard.
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Tversky {
  static constexpr const char* kName = "tversky";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    const LinearMoment false_positives = o.prediction - o.both, false_negatives = o.target - o.both;
    const LinearMoment all = o.both + options.first * false_positives + options.second * false_negatives;
    return ratio(o.both + options.numerator_smooth, all + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
