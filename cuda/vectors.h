// Elements of storage in vectors of 16 bytes, and what is in them as floats.
#pragma once

#include <cstring>

#include "cuda/ptx/math.h"
#include "cuda/ptx/memory.h"
#include "math/float16.h"

namespace cutloss::cuda {

template <class T>
inline constexpr int kPerVector = 16 / sizeof(T);

template <class T>
__device__ __forceinline__ void widen_vector(const uint4& raw, float (&to)[kPerVector<T>]) {
  T elements[kPerVector<T>];
  memcpy(elements, &raw, sizeof raw);
#pragma unroll
  for (int k = 0; k < kPerVector<T>; ++k) to[k] = math::widen(elements[k]);
}

__device__ __forceinline__ uint4 narrow_vector(const float (&v)[4], float) {
  return {math::bits_of(v[0]), math::bits_of(v[1]), math::bits_of(v[2]), math::bits_of(v[3])};
}
__device__ __forceinline__ uint4 narrow_vector(const float (&v)[8], Half) {
  return {ptx::pack_f16(v[0], v[1]), ptx::pack_f16(v[2], v[3]), ptx::pack_f16(v[4], v[5]), ptx::pack_f16(v[6], v[7])};
}
__device__ __forceinline__ uint4 narrow_vector(const float (&v)[8], BFloat16) {
  return {ptx::pack_bf16(v[0], v[1]), ptx::pack_bf16(v[2], v[3]), ptx::pack_bf16(v[4], v[5]),
          ptx::pack_bf16(v[6], v[7])};
}

}  // namespace cutloss::cuda
