// Symmetric cross-entropy (Wang et al. 2019): L = -alpha log p + beta A (1 - p), where A = -log 1e-4 stands for the
// logarithm of the zeros of the one-hot target.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct Symmetric {
  static constexpr const char* kName = "symmetric";
  static constexpr ObjectiveParameter kParameters[2] = {{"alpha", 0.1, -1e6, 1e6}, {"beta", 1, -1e6, 1e6}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double alpha, double beta) {
    constexpr double kLogOfZero = 9.210340371976182;
    // alpha = 0 drops the logarithm even where it is infinite
    return {(alpha != 0 ? -alpha * t.log_p : 0) + beta * kLogOfZero * t.q, alpha + beta * kLogOfZero * t.p};
  }
};

}  // namespace cutloss::math
