// Focal loss (Lin et al. 2017): L = -(1 - p)^gamma log p. Detached, the factor is a constant to the gradient.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct Focal {
  static constexpr const char* kName = "focal";
  static constexpr ObjectiveParameter kParameters[2] = {{"gamma", 2, 0, 1e6}, {"detach", 0, 0, 1}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double gamma, double detach) {
    const double factor = std::pow(t.q, gamma);
    // As q -> 0, log p -> -q: the second term tends to gamma q^gamma and must not be formed as q^(gamma-1) * 0.
    const double log_p_over_q = t.q > 0 ? t.log_p / t.q : -1;
    const double slope = gamma > 0 && t.p > 0 ? gamma * t.p * factor * log_p_over_q : 0;
    return {gamma > 0 && t.q == 0 ? 0 : -factor * t.log_p, detach != 0 ? factor : factor - slope};
  }
};

}  // namespace cutloss::math
