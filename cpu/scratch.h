// Scratch memory of a thread, kept from call to call and grown when needed; small enough to stay in its cache.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace cutloss::cpu {

class Scratch {
 public:
  /// At least `bytes`, aligned to a cache line; null if there is none to be had.
  static void* of_this_thread(size_t bytes) {
    static thread_local Scratch scratch;
    if (scratch.bytes_ < bytes) {
      std::free(scratch.memory_);
      const size_t rounded = (bytes + 4095) & ~size_t{4095};
      scratch.memory_ = std::aligned_alloc(4096, rounded);
      scratch.bytes_ = scratch.memory_ ? rounded : 0;
    }
    return scratch.memory_;
  }

 private:
  ~Scratch() { std::free(memory_); }

  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace cutloss::cpu
