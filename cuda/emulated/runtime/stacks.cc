// Maps and guards the stacks.
#include "cuda/emulated/runtime/stacks.h"

#include <sys/mman.h>

#include "cuda/emulated/runtime/report.h"

// AddressSanitizer's fake stacks know nothing of threads that take turns.
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }

namespace cutloss::emulated {

Stacks::~Stacks() {
  if (memory_) munmap(memory_, count_ * kBytes);
}

void Stacks::reserve(size_t count) {
  if (count <= count_) return;
  if (memory_) munmap(memory_, count_ * kBytes);
  void* memory =
      mmap(nullptr, count * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for the stacks of a block");
  memory_ = static_cast<std::byte*>(memory);
  count_ = count;
  for (size_t i = 0; i < count; i++) mprotect(memory_ + i * kBytes, kGuardBytes, PROT_NONE);
}

bool Stacks::is_overflow(const void* address) const {
  const size_t offset = static_cast<const std::byte*>(address) - memory_;
  return memory_ && offset < count_ * kBytes && offset % kBytes < kGuardBytes;
}

}  // namespace cutloss::emulated
