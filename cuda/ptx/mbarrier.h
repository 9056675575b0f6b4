// mbarriers: barriers in shared memory that complete a phase when enough threads have arrived and, for TMA loads,
// when the announced bytes have landed. A waiter names the parity of the phase: 0 for the first, then alternating.
// Compute capability 9.0.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/memory.h"
#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/mbarrier.h"
#endif

namespace cutloss::cuda::ptx {

// Lives in shared memory.
struct Mbarrier {
  uint64_t state;
};

// One thread initialises; the others may use it after mbarrier_fence_init and a barrier of the block or cluster.
__device__ __forceinline__ void mbarrier_init(Mbarrier* barrier, uint32_t count, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_init(&barrier->state, count, where);
#else
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
#endif
}

// Makes initialised mbarriers known to the copy engine and to the other blocks of the cluster.
__device__ __forceinline__ void mbarrier_fence_init() {
#ifndef CUTLOSS_EMULATED
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

// The memory may be used for something else afterwards.
__device__ __forceinline__ void mbarrier_invalidate(Mbarrier* barrier, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_invalidate(&barrier->state, where);
#else
  asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(shared_address(barrier)) : "memory");
#endif
}

__device__ __forceinline__ void mbarrier_arrive(Mbarrier* barrier, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_arrive(&barrier->state, 1, 0, where);
#else
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
#endif
}

// Arrives, and makes the phase wait for so many bytes more.
__device__ __forceinline__ void mbarrier_arrive_expect_bytes(Mbarrier* barrier, uint32_t bytes,
                                                             Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_arrive(&barrier->state, 1, bytes, where);
#else
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
#endif
}

__device__ __forceinline__ void mbarrier_expect_bytes(Mbarrier* barrier, uint32_t bytes,
                                                      Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_expect_bytes(&barrier->state, bytes, where);
#else
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
#endif
}

// Arrives at the mbarrier that lies at the same place in another block of the cluster.
__device__ __forceinline__ void mbarrier_arrive_cluster(Mbarrier* barrier, uint32_t rank,
                                                        Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_arrive(emulated::mbarrier_of_block(&barrier->state, rank, where), 1, 0, where);
#else
  asm volatile(
      "{ .reg .b32 remote; mapa.shared::cluster.u32 remote, %0, %1; "
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote]; }" ::"r"(shared_address(barrier)),
      "r"(rank)
      : "memory");
#endif
}

// Whether the phase of this parity is complete; may take a while to say no.
__device__ __forceinline__ bool mbarrier_try_wait(Mbarrier* barrier, uint32_t parity, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  return emulated::mbarrier_try_wait(&barrier->state, parity, where);
#else
  uint32_t complete;
  asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
               : "=r"(complete)
               : "r"(shared_address(barrier)), "r"(parity)
               : "memory");
  return complete != 0;
#endif
}

__device__ __forceinline__ void mbarrier_wait(Mbarrier* barrier, uint32_t parity, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mbarrier_wait(&barrier->state, parity, where);
#else
  while (!mbarrier_try_wait(barrier, parity)) {
  }
#endif
}

}  // namespace cutloss::cuda::ptx
