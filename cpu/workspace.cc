#include "cpu/workspace.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "cpu/memory.h"

namespace cutloss::cpu {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kMostKept = int64_t{64} << 20;

// Never destroyed: threads may compute while the process ends.
std::mutex& mutex = *new std::mutex;
void* kept = nullptr;
int64_t kept_bytes = 0;
int64_t held = 0, peak_held = 0;

}  // namespace

Status Workspace::open(int64_t bytes) {
  const int64_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  {
    const std::lock_guard lock(mutex);
    if (kept && kept_bytes >= rounded) {
      memory_ = std::exchange(kept, nullptr);
      bytes_ = kept_bytes;
      return {};
    }
    if (kept) {  // too small: what replaces it is kept in its place
      std::free(std::exchange(kept, nullptr));
      held -= kept_bytes;
    }
  }
  memory_ = std::aligned_alloc(kHugePage, rounded);
  if (!memory_) {
    return failure(Code::kMemory,
                   "Expected %lld bytes of scratch memory but the allocation failed: a smaller "
                   "workspaceBytes needs less",
                   static_cast<long long>(rounded));
  }
  prefer_huge_pages(memory_, rounded);
  bytes_ = rounded;
  const std::lock_guard lock(mutex);
  held += rounded;
  peak_held = std::max(peak_held, held);
  return {};
}

Workspace::~Workspace() {
  if (!memory_) return;
  const std::lock_guard lock(mutex);
  if (!kept && bytes_ <= kMostKept) {
    kept = memory_;
    kept_bytes = bytes_;
  } else {
    std::free(memory_);
    held -= bytes_;
  }
}

void Workspace::use(uint64_t* now, uint64_t* peak) {
  const std::lock_guard lock(mutex);
  *now = uint64_t(held);
  *peak = uint64_t(peak_held);
}

}  // namespace cutloss::cpu
