// float16 and bfloat16 as storage: two bytes and the conversions, rounded to nearest even, NaN stays NaN. The vector
// forms live with each SIMD level (cpu/simd); these are their truth.
#pragma once

#include <cstring>

#include "math/hd.h"

namespace cutloss {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
/// A float of [0, 2): its sign and its exponent's uppermost bit are known to be zero and not stored, which leaves nine
/// bits of mantissa. Whatever else is stored, not-a-number too, comes back as some number of that range.
struct Fraction16 {
  uint16_t bits;
};

namespace math {

CUTLOSS_HD uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
CUTLOSS_HD float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

CUTLOSS_HD float widen(float x) { return x; }
CUTLOSS_HD float widen(BFloat16 x) { return float_of(uint32_t{x.bits} << 16); }
CUTLOSS_HD float widen(Half x) {
  const uint32_t sign = uint32_t{x.bits & 0x8000u} << 16;
  const uint32_t rest = x.bits & 0x7fffu;
  if (rest >= 0x7c00u) return float_of(sign | 0x7f800000u | (rest & 0x3ffu) << 13);  // infinity, NaN
  // The exponent moves by a multiplication, which also normalises subnormals.
  return float_of(sign | bits_of(float_of(rest << 13) * 0x1p112f));
}

CUTLOSS_HD void narrow(float x, float* to) { *to = x; }
CUTLOSS_HD void narrow(float x, BFloat16* to) {
  const uint32_t bits = bits_of(x);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<uint16_t>(nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
CUTLOSS_HD void narrow(float x, Half* to) {
  const uint32_t bits = bits_of(x);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t rest = bits & 0x7fffffffu;
  uint32_t half;
  if (rest > 0x7f800000u) {
    half = 0x7e00u;
  } else if (rest >= 0x477ff000u) {  // 65520 and more round to infinity
    half = 0x7c00u;
  } else if (rest < 0x38800000u) {  // subnormal: adding 0.5 leaves the rounded value in the low bits
    half = bits_of(float_of(rest) + 0.5f) - 0x3f000000u;
  } else {
    half = (rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13;
  }
  to->bits = static_cast<uint16_t>(sign | half);
}

}  // namespace math
}  // namespace cutloss
