// Mean absolute error of the softmax (Ghosh et al. 2017): L = 1 - p.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct MeanAbsolute {
  static constexpr const char* kName = "meanAbsolute";
  static constexpr ObjectiveParameter kParameters[2] = {};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double, double) { return {t.q, t.p}; }
};

}  // namespace cutloss::math
