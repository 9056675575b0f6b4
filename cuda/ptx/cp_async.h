// cp.async: a thread starts copies of 16 bytes from global to shared memory, closes groups of them, and waits for all
// but the youngest groups. A wait covers the thread's own copies: others see them after a barrier. Compute
// capability 8.0.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/memory.h"
#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/cp_async.h"
#endif

namespace cutloss::cuda::ptx {

// Copies `bytes` (0 to 16) and fills the 16 up with zeros. `from` is aligned to 16 even if nothing is read.
__device__ __forceinline__ void cp_async_16(void* to, const void* from, int bytes = 16,
                                            Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::copy_async(to, from, bytes, where);
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes)
               : "memory");
#endif
}

__device__ __forceinline__ void cp_async_commit(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::commit_copies(where);
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most kPending of the committed groups are under way.
template <int kPending>
__device__ __forceinline__ void cp_async_wait(Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::wait_copies(kPending, where);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

}  // namespace cutloss::cuda::ptx
