// Stacks for the threads of one block: a single mapping, touched lazily, with an inaccessible page below each
// stack so that an overflow is a report and not a corrupted neighbour.
#pragma once
#include <cstddef>

namespace cutloss::emulated {

class Stacks {
 public:
  static constexpr size_t kBytes = 256 * 1024;

  Stacks() = default;
  ~Stacks();
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  void reserve(size_t count);

  std::byte* begin(size_t i) const { return memory_ + i * kBytes + kGuardBytes; }

  // Usable bytes of stack i. Tops are staggered: equal tops would compete for the same cache sets.
  size_t bytes(size_t i) const { return kBytes - kGuardBytes - i % 61 * 1088; }

  // Whether an address lies in one of the inaccessible pages.
  bool is_overflow(const void* address) const;

 private:
  static constexpr size_t kGuardBytes = 16 * 1024;

  std::byte* memory_ = nullptr;
  size_t count_ = 0;
};

}  // namespace cutloss::emulated
