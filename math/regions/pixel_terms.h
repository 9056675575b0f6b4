// Terms of single pixels that go with a loss of regions: cross-entropy and focal (Lin et al. 2017; Ridnik et al. 2021
// for the asymmetric form). In float for any width, like exp.h. A term is a value and w = -dvalue / dlog p, by which
// the gradient of the cross-entropy is multiplied.
#pragma once

#include "math/log.h"

namespace cutloss::math {

template <class V>
struct PixelTerm {
  typename V::F value, weight;
};

/// (1 - p)^gamma (-log p), from p, q = 1 - p and -log p, each precise where the others are not.
template <class V>
CUTLOSS_HD PixelTerm<V> focal_term(typename V::F p, typename V::F q, typename V::F minus_log_p, float gamma) {
  using F = typename V::F;
  if (gamma == 0) return {minus_log_p, V::splat(1.f)};
  const F factor = power<V>(q, gamma);
  // as q -> 0, -log p -> q: the slope tends to gamma q^gamma and must not be formed as q^(gamma - 1) * 0
  constexpr float kLeast = 1.17549435e-38f;
  const F ratio = V::select(q < kLeast, V::splat(1.f), minus_log_p / V::max(V::splat(kLeast), q));
  return {factor * minus_log_p, factor * (1.f + V::select(p == 0.f, F{}, gamma * p * ratio))};
}

}  // namespace cutloss::math
