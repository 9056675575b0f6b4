// The Lovász extension of the Jaccard loss (Berman, Rannen Triki and Blaschko 2018): pixels by descending error |p -
// y|, each weighing what the Jaccard loss rises by when it joins those before it.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

/// Where the pixels so far leave the two sums of the Jaccard index. At first both are the size of the target; a pixel
/// of weight m takes m y off the intersection and adds m (1 - y) to the union.
struct JaccardSums {
  double intersection;
  double all;

  /// By how much the Jaccard loss rises, per weight, as a pixel joins: for class ids 1/U where it is of the target, and
  /// J/(U (U - 1)) where it is not. The first pixel of an empty target raises it from 0 to 1.
  CUTLOSS_HD double join(double weight, double y) {
    if (weight == 0) return 0;
    const double before = all, kept = intersection;
    intersection -= weight * y;
    all += weight * (1 - y);
    if (before == 0) return 1 / weight;
    return (kept * (1 - y) + before * y) / (before * all);
  }
};

}  // namespace cutloss::math
