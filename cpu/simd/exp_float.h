// The exponential in float, of a number as it is.
#pragma once

#include "cpu/simd/portable.h"
#include "math/exp.h"

namespace cutloss::cpu {

/// exp(x), to float's precision; where products are rounded, by the form whose products are exact.
template <class V>
CUTLOSS_INLINE typename V::F exp_float(typename V::F x) {
  if constexpr (V::kFused) return math::exp_term<V>(x, 0.f);
  constexpr math::ExpShift kNone = {0, -1000, 0, 0, 0, 0, 1};
  return math::exp_shifted<V>(x, kNone);
}

}  // namespace cutloss::cpu
