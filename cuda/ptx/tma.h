// TMA: one thread has the copy engine move a tile between global and shared memory. What lies outside the matrix is
// read as zeros and never written. A swizzled tile starts on a multiple of its pattern (1024 bytes for the 128-byte
// swizzle). Maps are kernel parameters: const __grid_constant__ CUtensorMap. Compute capability 9.0.
#pragma once
#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/tma.h"
#endif

namespace cutloss::cuda::ptx {

__device__ __forceinline__ void tma_prefetch(const CUtensorMap* map) {
#ifdef CUTLOSS_EMULATED
  static_cast<void>(map);
#else
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
#endif
}

// Loads the tile whose first number is at (row, column). All its bytes count for the mbarrier, zeros too.
__device__ __forceinline__ void tma_load(void* to, const CUtensorMap* map, Mbarrier* barrier, int column, int row,
                                         Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::tma_load(to, *map, &barrier->state, column, row, where);
#else
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::
          "r"(shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(column), "r"(row)
      : "memory");
#endif
}

// Loads it to the same place of every block of the cluster in `blocks`, and tells the mbarrier of each.
__device__ __forceinline__ void tma_load_multicast(void* to, const CUtensorMap* map, Mbarrier* barrier, int column,
                                                   int row, uint16_t blocks, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::tma_load_multicast(to, *map, &barrier->state, column, row, blocks, where);
#else
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%3, %4}], [%2], %5;" ::"r"(shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(column), "r"(row), "h"(blocks)
      : "memory");
#endif
}

// Stores a tile. Whoever wrote it to shared memory has called fence_proxy_async before a barrier.
__device__ __forceinline__ void tma_store(const CUtensorMap* map, const void* from, int column, int row,
                                          Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::tma_store(*map, from, column, row, where);
#else
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(map),
               "r"(shared_address(from)), "r"(column), "r"(row)
               : "memory");
#endif
}

// Adds a tile to what is there, number by number and atomically.
__device__ __forceinline__ void tma_reduce_add(const CUtensorMap* map, const void* from, int column, int row,
                                               Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::tma_reduce_add(*map, from, column, row, where);
#else
  asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(map),
               "r"(shared_address(from)), "r"(column), "r"(row)
               : "memory");
#endif
}

// Closes a group of this thread's stores.
__device__ __forceinline__ void tma_store_commit(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::commit_stores(where);
#else
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#endif
}

// Waits until all but kPending groups have read their shared memory, which may then be written again.
template <int kPending>
__device__ __forceinline__ void tma_store_wait_read(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wait_stores(kPending, where);
#else
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
#endif
}

// Waits until all but kPending groups have been written to global memory.
template <int kPending>
__device__ __forceinline__ void tma_store_wait(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wait_stores(kPending, where);
#else
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

}  // namespace cutloss::cuda::ptx
