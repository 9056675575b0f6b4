// Generalized cross-entropy (Zhang and Sabuncu 2018): L = (1 - p^q) / q. Truncated, L is constant for p <= k.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct Generalized {
  static constexpr const char* kName = "generalized";
  static constexpr ObjectiveParameter kParameters[2] = {{"q", 0.7, 1e-6, 1e6}, {"truncateAt", 0, 0, 1}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double q, double truncate_at) {
    if (truncate_at > 0 && t.p <= truncate_at) return {-std::expm1(q * std::log(truncate_at)) / q, 0};
    return {-std::expm1(q * t.log_p) / q, std::exp(q * t.log_p)};
  }
};

}  // namespace cutloss::math
