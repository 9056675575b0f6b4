// L = -log p.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct CrossEntropy {
  static constexpr const char* kName = "crossEntropy";
  static constexpr ObjectiveParameter kParameters[2] = {};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double, double) { return {-t.log_p, 1}; }
};

}  // namespace cutloss::math
