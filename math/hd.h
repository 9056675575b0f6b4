// The host/device mark. Everything in math/ is compiled by the CPU engine (once per SIMD level) and by nvcc, so a
// formula stands once. Host functions are always inlined: a copy left over from a translation unit that was built for
// AVX-512 must never be the one the linker keeps for everybody.
#pragma once

#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define CUTLOSS_HD __host__ __device__ __forceinline__
#else
#define CUTLOSS_HD [[gnu::always_inline]] inline
#endif

namespace cutloss::math {

/// 1 / (1 + exp(-x)); its relative error stays small as the value goes to zero.
CUTLOSS_HD double sigmoid(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

}  // namespace cutloss::math
