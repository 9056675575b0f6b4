// wgmma: a warpgroup (128 threads) multiplies a [64, 16] by b [16, columns] and adds to d [64, columns] in float32,
// while its threads go on. b lies in shared memory, a there or in registers, both with the 128-byte swizzle.
// Warp w of the group holds rows 16 w to 16 w + 15 of d: d[4 j + e] of lane 4 g + m is row g + e / 2 * 8 and column
// 8 j + 2 m + e % 2. a in registers is laid out as for mma_m16n8k16. Compute capability 9.0a.
//   wgmma_fence(); wgmma_bf16<...>(d, a, b, ...); ...; wgmma_commit(); ...; wgmma_wait<0>(); wgmma_use(d);
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/memory.h"
#include "cuda/ptx/wgmma_text.h"
#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/wgmma.h"
#endif

namespace cutloss::cuda::ptx {

// Which index of an operand is contiguous in shared memory: k, or the row (of a) or column (of b).
enum class Major : int { kK = 0, kMn = 1 };

template <int kColumns>
inline constexpr bool kIsWgmmaWidth = kColumns == 64 || kColumns == 128 || kColumns == 192 || kColumns == 256;

// A K-major tile: rows of 64 numbers (128 bytes), as one TMA box of 64 columns. 16 further in k is 2 further in the
// descriptor.
__device__ __forceinline__ uint64_t wgmma_k_major(const void* tile, Where where = Where::current()) {
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62, kNextEightRows = uint64_t{1024 / 16} << 32;
  return kSwizzle128 | kNextEightRows | uint64_t{1} << 16 | (shared_address(tile, where) & 0x3ffff) >> 4;
}

// An MN-major tile: boxes of 64 numbers along mn by 64 along k, `box_bytes` from one box to the next in mn. 16
// further in k is 128 further in the descriptor.
__device__ __forceinline__ uint64_t wgmma_mn_major(const void* tile, uint32_t box_bytes,
                                                   Where where = Where::current()) {
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62, kNextEightK = uint64_t{1024 / 16} << 32;
  return kSwizzle128 | kNextEightK | uint64_t{box_bytes / 16} << 16 | (shared_address(tile, where) & 0x3ffff) >> 4;
}

// Before the first wgmma, and again after a wait.
__device__ __forceinline__ void wgmma_fence(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wgmma_fence(where);
#else
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void wgmma_commit(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wgmma_commit(where);
#else
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

// Waits until at most kPending committed groups are under way.
template <int kPending>
__device__ __forceinline__ void wgmma_wait(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wgmma_wait(kPending, where);
#else
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

// Between a wait and the first use of d: the wait names no register, so the compiler could move uses above it.
template <int kCount>
__device__ __forceinline__ void wgmma_use(float (&d)[kCount], Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wgmma_check_registers(d, where);
#else
#pragma unroll
  for (int i = 0; i < kCount; i++) asm volatile("" : "+f"(d[i])::"memory");
#endif
}

// d = a b + (accumulate ? d : 0), with a and b in shared memory.
template <int kColumns, Major kA, Major kB>
__device__ __forceinline__ void wgmma_bf16(float (&d)[kColumns / 2], uint64_t a, uint64_t b, bool accumulate,
                                           Where where = Where::current()) {
  static_assert(kIsWgmmaWidth<kColumns>, "64, 128, 192 or 256 columns");
#ifdef CUTLOSS_EMULATED
  emulated::wgmma({emulated::Format::kBf16, kColumns, false, kA == Major::kMn, kB == Major::kMn}, d, nullptr, a, b,
                  accumulate, where);
#else
  CUTLOSS_WGMMA_SHARED("bf16", d, a, b, static_cast<int>(accumulate), static_cast<int>(kA), static_cast<int>(kB));
#endif
}

template <int kColumns, Major kA, Major kB>
__device__ __forceinline__ void wgmma_f16(float (&d)[kColumns / 2], uint64_t a, uint64_t b, bool accumulate,
                                          Where where = Where::current()) {
  static_assert(kIsWgmmaWidth<kColumns>, "64, 128, 192 or 256 columns");
#ifdef CUTLOSS_EMULATED
  emulated::wgmma({emulated::Format::kF16, kColumns, false, kA == Major::kMn, kB == Major::kMn}, d, nullptr, a, b,
                  accumulate, where);
#else
  CUTLOSS_WGMMA_SHARED("f16", d, a, b, static_cast<int>(accumulate), static_cast<int>(kA), static_cast<int>(kB));
#endif
}

// The same with a in registers, which must not change until the wgmma has been waited for.
template <int kColumns, Major kB>
__device__ __forceinline__ void wgmma_bf16(float (&d)[kColumns / 2], const uint32_t (&a)[4], uint64_t b,
                                           bool accumulate, Where where = Where::current()) {
  static_assert(kIsWgmmaWidth<kColumns>, "64, 128, 192 or 256 columns");
#ifdef CUTLOSS_EMULATED
  emulated::wgmma({emulated::Format::kBf16, kColumns, true, false, kB == Major::kMn}, d, a, 0, b, accumulate, where);
#else
  CUTLOSS_WGMMA_REGISTERS("bf16", d, a, b, static_cast<int>(accumulate), static_cast<int>(kB));
#endif
}

template <int kColumns, Major kB>
__device__ __forceinline__ void wgmma_f16(float (&d)[kColumns / 2], const uint32_t (&a)[4], uint64_t b, bool accumulate,
                                          Where where = Where::current()) {
  static_assert(kIsWgmmaWidth<kColumns>, "64, 128, 192 or 256 columns");
#ifdef CUTLOSS_EMULATED
  emulated::wgmma({emulated::Format::kF16, kColumns, true, false, kB == Major::kMn}, d, a, 0, b, accumulate, where);
#else
  CUTLOSS_WGMMA_REGISTERS("f16", d, a, b, static_cast<int>(accumulate), static_cast<int>(kB));
#endif
}

}  // namespace cutloss::cuda::ptx
