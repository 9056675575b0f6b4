// g++ -fsanitize=thread puts a call before every memory access of a kernel. Linked without ThreadSanitizer's own
// runtime, these calls come here: accesses to shared memory go to the race checker, accesses to global memory are
// bounds-checked, and random schedules switch threads at either. Everything else (stacks, host data) passes.
#include <cstddef>
#include <cstdint>

#include "cuda/emulated/race/checker.h"
#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/runtime/report.h"
#include "cuda/emulated/runtime/wgmma.h"

namespace cutloss::emulated {
namespace {

constexpr uint32_t kPreemptOneIn = 16;

[[maybe_unused]] const bool registered = (make_race_log = make_checker, true);

void on_access(void* address, size_t bytes, Access kind, void* code) {
  Thread* me = current_thread;
  if (!me || !current_block) return;
  Block& block = *current_block;
  if (block.shared.contains(address)) {
    const size_t offset = block.shared.offset(address);
    if (offset % block.shared.stride() + bytes > block.shared.bytes_per_block())
      fail("an access beyond the end of shared memory",
           "  at " + Site(code).text() + "\n  offset " + std::to_string(offset % block.shared.stride()) + " of " +
               std::to_string(block.shared.bytes_per_block()) + " bytes\n");
    block.maybe_preempt(kPreemptOneIn);
    block.race->access(*me, offset, bytes, kind, Site(code));
  } else if (device_memory().contains(address)) {
    if (!device_memory().is_allocated(address, bytes))
      fail("an access outside global memory",
           "  at " + Site(code).text() + "\n  " + device_memory().describe(address) + "\n");
    block.maybe_preempt(kPreemptOneIn);
  } else if (is_wgmma_accumulator(*me, address)) {
    fail("an accumulator is used while a wgmma that writes it has not been waited for",
         "  at " + Site(code).text() + "\n");
  }
}

}  // namespace
}  // namespace cutloss::emulated

using cutloss::emulated::Access;
using cutloss::emulated::on_access;

#define CUTLOSS_ON_ACCESS(address, bytes, kind) on_access(address, bytes, kind, __builtin_return_address(0))

#define CUTLOSS_ACCESS_HOOKS(n)                                                               \
  void __tsan_read##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kRead); }                    \
  void __tsan_write##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kWrite); }                  \
  void __tsan_unaligned_read##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kRead); }          \
  void __tsan_unaligned_write##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kWrite); }        \
  void __tsan_volatile_read##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kRead); }           \
  void __tsan_volatile_write##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kWrite); }         \
  void __tsan_unaligned_volatile_read##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kRead); } \
  void __tsan_unaligned_volatile_write##n(void* p) { CUTLOSS_ON_ACCESS(p, n, Access::kWrite); }

// C++ atomics of host code in the same file (static-local guards, reference counts): carried out, not watched.
#define CUTLOSS_ATOMIC_HOOKS(bits, T)                                                                               \
  T __tsan_atomic##bits##_load(const volatile T* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }           \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }           \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T v, int) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T v, int) { return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_fetch_and(volatile T* p, T v, int) { return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_fetch_or(volatile T* p, T v, int) { return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST); }   \
  T __tsan_atomic##bits##_fetch_xor(volatile T* p, T v, int) { return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST); } \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* e, T v, int, int) {                           \
    return __atomic_compare_exchange_n(p, e, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                             \
  }                                                                                                                 \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* e, T v, int, int) {                             \
    return __atomic_compare_exchange_n(p, e, v, 1, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                             \
  }

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

CUTLOSS_ACCESS_HOOKS(1)
CUTLOSS_ACCESS_HOOKS(2)
CUTLOSS_ACCESS_HOOKS(4)
CUTLOSS_ACCESS_HOOKS(8)
CUTLOSS_ACCESS_HOOKS(16)
void __tsan_read_range(void* p, size_t bytes) { CUTLOSS_ON_ACCESS(p, bytes, Access::kRead); }
void __tsan_write_range(void* p, size_t bytes) { CUTLOSS_ON_ACCESS(p, bytes, Access::kWrite); }

CUTLOSS_ATOMIC_HOOKS(8, uint8_t)
CUTLOSS_ATOMIC_HOOKS(16, uint16_t)
CUTLOSS_ATOMIC_HOOKS(32, uint32_t)
CUTLOSS_ATOMIC_HOOKS(64, uint64_t)
}
