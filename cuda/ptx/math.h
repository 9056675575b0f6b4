// Approximate functions of the special function unit (about 2^-22 relative error), and conversions to the formats of
// tensor cores. The .ftz forms take and give zero for subnormal numbers.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#ifdef CUTLOSS_EMULATED
#include <cmath>

#include "cuda/emulated/runtime/number_formats.h"
#endif

namespace cutloss::cuda::ptx {

// 2^x
__device__ __forceinline__ float exp2_approx(float x) {
#ifdef CUTLOSS_EMULATED
  return emulated::flush_to_zero(exp2f(emulated::flush_to_zero(x)));
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// log2(x)
__device__ __forceinline__ float log2_approx(float x) {
#ifdef CUTLOSS_EMULATED
  return log2f(emulated::flush_to_zero(x));
#else
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// 1 / x
__device__ __forceinline__ float rcp_approx(float x) {
#ifdef CUTLOSS_EMULATED
  return emulated::flush_to_zero(1.f / emulated::flush_to_zero(x));
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// tanh(x), with a relative error of about 2^-11
__device__ __forceinline__ float tanh_approx(float x) {
#ifdef CUTLOSS_EMULATED
  return tanhf(x);
#else
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// Rounds to nearest, ties away from zero.
__device__ __forceinline__ uint32_t to_tf32(float x) {
#ifdef CUTLOSS_EMULATED
  return emulated::float_to_tf32(x);
#else
  uint32_t y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
#endif
}

// Two numbers in one register, the first in the lower half; rounds to nearest, ties to even.
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
#ifdef CUTLOSS_EMULATED
  return uint32_t{emulated::float_to_bf16(high)} << 16 | emulated::float_to_bf16(low);
#else
  uint32_t y;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
  return y;
#endif
}

__device__ __forceinline__ uint32_t pack_f16(float low, float high) {
#ifdef CUTLOSS_EMULATED
  return uint32_t{emulated::float_to_f16(high)} << 16 | emulated::float_to_f16(low);
#else
  uint32_t y;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
  return y;
#endif
}

}  // namespace cutloss::cuda::ptx
