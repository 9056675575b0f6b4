// Memory: the dynamic shared-memory arena, 32-bit shared addresses, and 16-byte accesses to global memory with
// cache hints. Streamed data passes through the caches without pushing out what other blocks still need.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/shared_memory.h"
#endif

namespace cutloss::cuda::ptx {

// The whole dynamic shared memory of the block, 1024-byte aligned (the unit of the 128-byte swizzle).
template <class T>
__device__ __forceinline__ T* shared_arena() {
#ifdef CUTLOSS_EMULATED
  return reinterpret_cast<T*>(emulated::shared_begin());
#else
  extern __shared__ __align__(1024) unsigned char cutloss_shared_arena[];
  return reinterpret_cast<T*>(cutloss_shared_arena);
#endif
}

__device__ __forceinline__ uint32_t shared_address(const void* pointer, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  return emulated::shared_address(pointer, where);
#else
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
#endif
}

// Reads what is read once. The data must not change while the kernel runs.
__device__ __forceinline__ uint4 load_streaming(const uint4* from) {
#ifdef CUTLOSS_EMULATED
  return *from;
#else
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(from));
  return v;
#endif
}

__device__ __forceinline__ float4 load_streaming(const float4* from) {
#ifdef CUTLOSS_EMULATED
  return *from;
#else
  float4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
               : "l"(from));
  return v;
#endif
}

// Reads what other blocks will read again. The data must not change while the kernel runs.
__device__ __forceinline__ uint4 load_cached(const uint4* from) {
#ifdef CUTLOSS_EMULATED
  return *from;
#else
  uint4 v;
  asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(from));
  return v;
#endif
}

// Writes what this kernel does not read again.
__device__ __forceinline__ void store_streaming(uint4* to, uint4 v) {
#ifdef CUTLOSS_EMULATED
  *to = v;
#else
  asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
               : "memory");
#endif
}

__device__ __forceinline__ void store_streaming(float4* to, float4 v) {
#ifdef CUTLOSS_EMULATED
  *to = v;
#else
  asm volatile("st.global.cs.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w)
               : "memory");
#endif
}

}  // namespace cutloss::cuda::ptx
