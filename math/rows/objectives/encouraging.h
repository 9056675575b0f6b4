// Encouraging loss (Zhao et al. 2022): L = -log p + b(p) with the bonus b = log(1 - p) up to p = end, and its tangent
// beyond. 1 - p is clipped at 1e-5, as the authors do, which matters only for end = 1.
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct Encouraging {
  static constexpr const char* kName = "encouraging";
  static constexpr ObjectiveParameter kParameters[2] = {{"end", 0.75, 0, 1}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double end, double) {
    constexpr double kClip = 1e-5;
    if (t.p > end) {
      return {-t.log_p + std::log1p(-end) - (t.p - end) / (1 - end), 1 + t.p / (1 - end)};
    }
    return {-t.log_p + std::log(t.q > kClip ? t.q : kClip), t.q > kClip ? 1 / t.q : 1};
  }
};

}  // namespace cutloss::math
