// Named barriers, clusters, fences between the kinds of memory access, and register reallocation between warpgroups.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/barriers.h"
#include "cuda/emulated/runtime/warp.h"
#endif

namespace cutloss::cuda::ptx {

// Waits until `threads` threads (whole warps) have come to barrier `id`, 1 to 15; 0 belongs to __syncthreads.
__device__ __forceinline__ void barrier_sync(int id, int threads, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::sync_named(id, threads, where);
#else
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
#endif
}

// Counts as having come, and goes on.
__device__ __forceinline__ void barrier_arrive(int id, int threads, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::arrive_named(id, threads, where);
#else
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
#endif
}

// This block's number in its cluster.
__device__ __forceinline__ uint32_t cluster_rank() {
#ifdef CUTLOSS_EMULATED
  return emulated::cluster_rank();
#else
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#endif
}

__device__ __forceinline__ void cluster_arrive(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::arrive_cluster(where);
#else
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void cluster_wait(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wait_cluster(where);
#else
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void cluster_sync(Where where = Where::current()) {
  cluster_arrive(where);
  cluster_wait(where);
}

// Makes ordinary stores of this thread visible to TMA and wgmma.
__device__ __forceinline__ void fence_proxy_async() {
#ifdef CUTLOSS_EMULATED
  emulated::fence_proxy_async();
#else
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// True in one lane of the warp. All lanes must call it, and the compiler then knows that one lane runs.
__device__ __forceinline__ bool elect_one(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  return emulated::elect(where);
#else
  uint32_t elected;
  asm volatile("{ .reg .pred p; elect.sync _|p, 0xffffffff; selp.u32 %0, 1, 0, p; }" : "=r"(elected));
  return elected != 0;
#endif
}

// Gives registers to, or takes them from, the pool of the block: a warpgroup's choice of how many its threads have.
template <int kRegisters>
__device__ __forceinline__ void increase_registers(Where where = Where::current()) {
  static_assert(kRegisters % 8 == 0 && kRegisters >= 24 && kRegisters <= 256, "a multiple of 8 from 24 to 256");
#ifdef CUTLOSS_EMULATED
  emulated::set_max_registers(where);
#else
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

template <int kRegisters>
__device__ __forceinline__ void decrease_registers(Where where = Where::current()) {
  static_assert(kRegisters % 8 == 0 && kRegisters >= 24 && kRegisters <= 256, "a multiple of 8 from 24 to 256");
#ifdef CUTLOSS_EMULATED
  emulated::set_max_registers(where);
#else
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

}  // namespace cutloss::cuda::ptx
