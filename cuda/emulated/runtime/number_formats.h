// The 16-bit and 19-bit floating-point formats of tensor cores, as float32 sees them.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

namespace cutloss::emulated {

enum class Format : uint8_t { kBf16, kF16 };

inline float bf16_to_float(uint16_t x) { return std::bit_cast<float>(uint32_t{x} << 16); }

inline float f16_to_float(uint16_t x) {
  const uint32_t sign = uint32_t{x} >> 15 << 31, magnitude = uint32_t{x} & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;  // also right for subnormals
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

// Round to nearest, ties to even; a NaN stays one.
inline uint16_t float_to_bf16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline uint16_t float_to_f16(float x) {
  if (std::isnan(x)) return 0x7fff;
  const uint32_t bits = std::bit_cast<uint32_t>(x), magnitude = bits & 0x7fffffff;
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to 2^16 or more
  if (magnitude < 0x38800000) {                       // below 2^-14: steps of 2^-24
    const float steps = std::bit_cast<float>(magnitude) * 0x1p24f;
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(steps)));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1) - (uint32_t{112} << 23);
  return static_cast<uint16_t>(sign | static_cast<uint16_t>(rounded >> 13));
}

// What a tensor core makes of a float32 register: it ignores the low 13 bits.
inline float tf32_to_float(uint32_t x) { return std::bit_cast<float>(x & 0xffffe000u); }

// cvt.rna: round to nearest, ties away from zero.
inline uint32_t float_to_tf32(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::isfinite(x) ? (bits + 0x1000) & 0xffffe000u : bits;
}

// A .ftz instruction takes, and gives, zero for a subnormal number.
inline float flush_to_zero(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.f, x) : x; }

}  // namespace cutloss::emulated
