// The exponential in double, for the sweeps that round once at their end: e^r = 1 + r + r^2 Q(r) after taking n ln 2
// out.
#pragma once

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

/// exp(x) for x <= 700, relative error 2e-12; zero below -700.
template <class V>
CUTLOSS_INLINE typename V::D exp_double(typename V::D x) {
  using D = typename V::D;
  using L = typename V::L;
  constexpr double kMagic = 0x1.8p52;
  const D clamped = x < -700 ? V::splat(-700.0) : x;
  const D magic = clamped * 1.4426950408889634 + kMagic;
  const D n = magic - kMagic;
  const D r = (clamped - n * 0x1.62e42fefap-1) - n * 0x1.cf79abc9e3b3ap-40;
  D q = V::splat(2.470100554140537e-05);
  q = q * r + 0.00019914267872082086;
  q = q * r + 0.0013889247510265358;
  q = q * r + 0.008333273384867694;
  q = q * r + 0.04166666382772691;
  q = q * r + 0.16666666814429615;
  q = q * r + 0.5000000000578039;
  const D power = (D)(((L)magic << 52) + 0x3ff0000000000000);
  const D e = (r * r * q + r + 1) * power;
  return x < -700 ? D{} : e;
}

}  // namespace cutloss::cpu
