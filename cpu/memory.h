// Pages of memory that was just allocated. The first touch of a 4 KiB page costs a fault of its own, 0.4 ms per MiB in
// all: as much as computing a gradient. Asking for huge pages and for the range at once costs a tenth.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cutloss {
class Cancel;
}

namespace cutloss::cpu {

class ThreadPool;

/// Advice for a whole fresh allocation; harmless where it is not understood.
void prefer_huge_pages(void* memory, size_t bytes);

/// Makes the pages of a part of it present, without changing what they hold.
void populate(void* memory, size_t bytes);

/// Both for all of it, on all threads: each has its own huge pages, since two that fault on one would both clear it.
/// Stops when the call is cancelled.
void make_present(ThreadPool& pool, const Cancel& cancel, void* memory, size_t bytes);

/// A stretch of memory that is kept for the next that needs one of its size, in this call or a later one.
struct Block {
  void* memory = nullptr;
  uint64_t bytes = 0;
};

constexpr uint64_t kSmallestBlock = uint64_t{1} << 18;  // what is smaller malloc keeps as well

/// At least so many bytes, undefined; null if there are none. What is kept and does not fit goes first, so that never
/// more is resident than without keeping.
Block take_block(uint64_t bytes);
void give_back(Block block);

}  // namespace cutloss::cpu
