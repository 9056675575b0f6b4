// Comp-sum losses (Mao et al. 2023): L = (p^(tau - 1) - 1) / (1 - tau); tau = 1 is cross-entropy, 2 the mean absolute
// error, 0 the sum of exponentials of the margins.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct CompSum {
  static constexpr const char* kName = "compSum";
  static constexpr ObjectiveParameter kParameters[2] = {{"tau", 1, 0, 1e6, true}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double tau, double) {
    if (tau == 1) return {-t.log_p, 1};
    return {std::expm1((tau - 1) * t.log_p) / (1 - tau), std::exp((tau - 1) * t.log_p)};
  }
};

}  // namespace cutloss::math
