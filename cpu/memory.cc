#include "cpu/memory.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "cpu/thread_pool.h"
#include "engine/engine.h"

#ifdef __linux__
#include <sys/mman.h>
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#endif

namespace cutloss::cpu {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kWorthIt = size_t{1} << 20;

#ifdef __linux__
/// The whole pages inside a range.
void advise(void* memory, size_t bytes, int advice) {
  const uintptr_t first = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) & ~(kPage - 1);
  const uintptr_t last = (reinterpret_cast<uintptr_t>(memory) + bytes) & ~(kPage - 1);
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, advice);
}
#else
enum { MADV_HUGEPAGE, MADV_POPULATE_WRITE };
void advise(void*, size_t, int) {}
#endif

constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr uint64_t kMostKept = uint64_t{128} << 20;  // beyond what is in use
constexpr int kSlots = 256;

uint64_t rounded_up(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

/// Blocks that nobody uses, the oldest first. Never destroyed: threads may compute while the process ends.
class Kept {
 public:
  Block take(uint64_t wanted) {
    const std::lock_guard lock(mutex_);
    Block block;
    if (const int best = best_for(wanted); best < count_) {
      block = remove(best);
    } else {
      while (count_ > 0 && used_ + kept_ + wanted > most_used_) std::free(remove(0).memory);
      block = fresh(wanted);
      while (!block.memory && count_ > 0) {
        std::free(remove(0).memory);
        block = fresh(wanted);
      }
    }
    used_ += block.bytes;
    most_used_ = std::max(most_used_, used_);
    return block;
  }
  void give_back(Block block) {
    const std::lock_guard lock(mutex_);
    used_ -= block.bytes;
    if (block.bytes > used_ + kMostKept) return std::free(block.memory);
    if (count_ == kSlots) std::free(remove(0).memory);
    blocks_[count_++] = block;
    kept_ += block.bytes;
    while (kept_ > used_ + kMostKept) std::free(remove(0).memory);
  }

 private:
  static Block fresh(uint64_t bytes) {
    const uint64_t alignment = bytes >= kHugePage ? kHugePage : kSmallestBlock;
    void* memory = std::aligned_alloc(alignment, rounded_up(bytes, alignment));
    if (!memory) return {};
    prefer_huge_pages(memory, bytes);
    return {memory, bytes};
  }
  /// The smallest that is large enough, but not by more than an eighth; count_ if there is none.
  int best_for(uint64_t wanted) const {
    int best = count_;
    for (int i = 0; i < count_; ++i) {
      const bool fits = blocks_[i].bytes >= wanted && blocks_[i].bytes <= wanted + wanted / 8;
      if (fits && (best == count_ || blocks_[i].bytes < blocks_[best].bytes)) best = i;
    }
    return best;
  }
  Block remove(int which) {
    const Block block = blocks_[which];
    std::copy(blocks_ + which + 1, blocks_ + count_, blocks_ + which);
    --count_;
    kept_ -= block.bytes;
    return block;
  }

  std::mutex mutex_;
  Block blocks_[kSlots];
  int count_ = 0;
  uint64_t kept_ = 0, used_ = 0, most_used_ = 0;
};

Kept& kept = *new Kept;

}  // namespace

Block take_block(uint64_t bytes) { return kept.take(rounded_up(bytes, kSmallestBlock)); }

void give_back(Block block) { kept.give_back(block); }

void prefer_huge_pages(void* memory, size_t bytes) {
  if (bytes >= kWorthIt) advise(memory, bytes, MADV_HUGEPAGE);
}

void populate(void* memory, size_t bytes) { advise(memory, bytes, MADV_POPULATE_WRITE); }

void make_present(ThreadPool& pool, const Cancel& cancel, void* memory, size_t bytes) {
  constexpr uintptr_t kPart = 2 * kHugePage;
  if (bytes < kWorthIt) return populate(memory, bytes);
  prefer_huge_pages(memory, bytes);
  const uintptr_t first = reinterpret_cast<uintptr_t>(memory), last = first + bytes, begin = first & ~(kPart - 1);
  pool.run((last - begin + kPart - 1) / kPart, [&](int64_t i) {
    const uintptr_t from = std::max(first, begin + i * kPart), to = std::min(last, begin + (i + 1) * kPart);
    if (!cancel.requested()) populate(reinterpret_cast<void*>(from), to - from);
  });
}

}  // namespace cutloss::cpu
