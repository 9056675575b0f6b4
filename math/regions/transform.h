// What a loss takes in place of the prediction p: p itself; (1 - p)^alpha p, which fades where the model is sure
// already (Li et al. 2020); or a steep sigmoid that makes a soft count nearly a hard one (Han et al. 2024).
#pragma once

#include "math/hd.h"

namespace cutloss::math {

enum class RegionTransform : int { kNone, kSelfAdjusting, kSteep };
inline constexpr int kRegionTransformCount = 3;

struct Transformed {
  float q;
  float slope;  // dq / dp
};

CUTLOSS_HD Transformed transform_prediction(RegionTransform kind, float p, float parameter) {
  switch (kind) {
    case RegionTransform::kSelfAdjusting: {
      const float rest = 1 - p > 0 ? 1 - p : 0;
      const float less = parameter == 1 ? 1 : std::pow(rest, parameter - 1);
      // alpha < 1 has no finite slope at p = 1: there it stays
      const float slope = rest == 0 && parameter < 1 ? (parameter == 0 ? 1 : 0) : less * (1 - (1 + parameter) * p);
      return {std::pow(rest, parameter) * p, slope};
    }
    case RegionTransform::kSteep: {
      const float e = std::exp(-parameter * std::fabs(p - 0.5f));
      return {(p >= 0.5f ? 1 : e) / (1 + e), parameter * e / ((1 + e) * (1 + e))};
    }
    default: return {p, 1};
  }
}

}  // namespace cutloss::math
