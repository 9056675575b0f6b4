// Atomic updates are atomic between OS threads too: blocks of a grid run side by side.
#include "cuda/emulated/runtime/atomics.h"

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"

namespace cutloss::emulated {
namespace {

// Whatever runs between this thread's last access and its atomic is what a race on global memory needs.
constexpr uint32_t kPreemptOneIn = 4;

template <class Bits>
Bits begin(Bits* target, Where where) {
  Block& block = *current_block;
  block.maybe_preempt(kPreemptOneIn);
  if (block.shared.contains(target)) {
    block.shared.check(target, sizeof(Bits), sizeof(Bits), "an atomic", where);
    if (block.race)
      block.race->access(*current_thread, block.shared.offset(target), sizeof(Bits), Access::kAtomic, where);
  } else {
    device_memory().check_access(target, sizeof(Bits), sizeof(Bits), "an atomic", where);
  }
  return __atomic_load_n(target, __ATOMIC_RELAXED);
}

template <class Bits>
Bits swap(Bits* target, Bits expected, Bits desired) {
  __atomic_compare_exchange_n(target, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}

}  // namespace

uint32_t atomic_begin(uint32_t* target, Where where) { return begin(target, where); }
uint64_t atomic_begin(uint64_t* target, Where where) { return begin(target, where); }
uint32_t compare_and_swap(uint32_t* target, uint32_t expected, uint32_t desired) {
  return swap(target, expected, desired);
}
uint64_t compare_and_swap(uint64_t* target, uint64_t expected, uint64_t desired) {
  return swap(target, expected, desired);
}

}  // namespace cutloss::emulated
