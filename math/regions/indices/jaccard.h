// Jaccard, intersection over union: I / (P + Y - I). By l1, the Jaccard metric of soft labels (Wang et al. 2023).
#pragma once

#include "math/regions/moments.h"

namespace cutloss::math {

struct Jaccard {
  static constexpr const char* kName = "jaccard";

  CUTLOSS_HD static RegionIndex at(const Overlap& o, const IndexOptions& options) {
    return ratio(o.both + options.numerator_smooth, o.prediction + o.target - o.both + options.denominator_smooth);
  }
};

}  // namespace cutloss::math
