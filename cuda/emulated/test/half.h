// 16-bit numbers for tests, made on the host by means of their own.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

namespace cutloss::emulated::test {

// For numbers that bf16 holds exactly.
inline uint16_t exact_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return static_cast<uint16_t>(bits >> 16);
}

// For numbers that f16 holds exactly, in its normal range.
inline uint16_t exact_f16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (x == 0) return 0;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
}

inline std::vector<uint16_t> exact_bf16(const std::vector<float>& values) {
  std::vector<uint16_t> halves;
  for (float x : values) halves.push_back(exact_bf16(x));
  return halves;
}

inline std::vector<uint16_t> exact_f16(const std::vector<float>& values) {
  std::vector<uint16_t> halves;
  for (float x : values) halves.push_back(exact_f16(x));
  return halves;
}

}  // namespace cutloss::emulated::test
