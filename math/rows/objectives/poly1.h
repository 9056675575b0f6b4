// Poly-1 (Leng et al. 2022): L = -log p + epsilon (1 - p).
#pragma once

#include "math/rows/target.h"

namespace cutloss::math {

struct Poly1 {
  static constexpr const char* kName = "poly1";
  static constexpr ObjectiveParameter kParameters[2] = {{"epsilon", 1, -1e6, 1e6}};

  CUTLOSS_HD static ObjectiveTerms at(const TargetProbability& t, double epsilon, double) {
    return {-t.log_p + epsilon * t.q, 1 + epsilon * t.p};
  }
};

}  // namespace cutloss::math
