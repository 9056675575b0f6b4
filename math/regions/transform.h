// What a loss takes in place of the prediction p: p itself; (1 - p)^alpha p, which fades where the model is sure
// already (Li et al. 2020); or a steep sigmoid that makes a soft count nearly a hard one (Han et al. 2024). In float
// for any width.
#pragma once

#include "math/log.h"

namespace cutloss::math {

enum class RegionTransform : int { kNone, kSelfAdjusting, kSteep };
inline constexpr int kRegionTransformCount = 3;

template <class V>
struct Transformed {
  typename V::F value;
  typename V::F slope;  // dvalue / dp
};

/// `rest` is 1 - p, which is more precise than p says.
template <class V>
CUTLOSS_HD Transformed<V> transform_prediction(RegionTransform kind, typename V::F p, typename V::F rest,
                                               float parameter) {
  using F = typename V::F;
  if (kind == RegionTransform::kSelfAdjusting) {
    const F some = V::max(F{}, rest);
    const F factor = power<V>(some, parameter);
    // alpha < 1 has no finite slope at p = 1: there it stays
    const F less = parameter >= 1 ? power<V>(some, parameter - 1) : V::select(some == 0.f, F{}, factor / some);
    const F slope = V::select(rest < 0.f, F{}, less * (rest - parameter * p));  // beyond 1 the value is 0
    return {factor * p, parameter == 0 ? V::splat(1.f) : slope};
  }
  if (kind == RegionTransform::kSteep) {
    const F distance = parameter * (p - 0.5f);
    const F e = exp_term<V>(V::select(distance > 0.f, -distance, distance), 0.f);
    const F all = 1.f + e;
    return {V::select(p > 0.5f, V::splat(1.f), e) / all, parameter * e / (all * all)};
  }
  return {p, V::splat(1.f)};
}

}  // namespace cutloss::math
