// Logarithms in float for any width, beside exp.h: x is taken apart as 2^e m with m about one, and log m is a
// polynomial. V supplies F and its primitives, split() among them.
#pragma once

#include "math/exp.h"

namespace cutloss::math {

/// log(2^e (1 + f)) with sqrt(1/2) <= 1 + f < sqrt(2), relative error 1.2e-07.
template <class V>
CUTLOSS_HD typename V::F log_of_parts(typename V::F e, typename V::F f) {
  using F = typename V::F;
  constexpr float kTerms[] = {3.3333331174e-1f,  -2.4999993993e-1f, 2.0000714765e-1f,
                              -1.6668057665e-1f, 1.4249322787e-1f,  -1.2420140846e-1f,
                              1.1676998740e-1f,  -1.1514610310e-1f, 7.0376836292e-2f};
  const F square = f * f;
  F rest = f * square * polynomial<V>(f, kTerms, 1.f);
  rest = V::multiply_add(e, V::splat(-2.12194440e-4f), rest) - 0.5f * square;
  return V::multiply_add(e, V::splat(0.693359375f), f + rest);
}

/// log x for normal x > 0; not-a-number goes through.
template <class V>
CUTLOSS_HD typename V::F log_normal(typename V::F x) {
  typename V::F m;
  const typename V::F e = V::split(x, &m);
  return log_of_parts<V>(e, m - 1.f);
}

/// log(1 + x) for x >= 0, as precise where x is small: what the addition rounded off goes to the mantissa.
template <class V>
CUTLOSS_HD typename V::F log_one_plus(typename V::F x) {
  using F = typename V::F;
  const F u = x + 1.f;
  F m;
  const F e = V::split(u, &m);
  return log_of_parts<V>(e, (m - 1.f) + V::scale_by_power(x - (u - 1.f), -e));
}

/// x^exponent for 0 <= x <= 1 and exponent >= 0.
template <class V>
CUTLOSS_HD typename V::F power(typename V::F x, float exponent) {
  using F = typename V::F;
  if (exponent == 0) return V::splat(1.f);
  if (exponent == 1) return x;
  if (exponent == 2) return x * x;
  constexpr float kLeast = 1.17549435e-38f;
  const F root = exp_term<V>(exponent * log_normal<V>(V::max(V::splat(kLeast), x)), 0.f);
  return V::select(x < kLeast, F{}, root);
}

}  // namespace cutloss::math
