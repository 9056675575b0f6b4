#include "cpu/memory.h"

#include <cstdint>

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

}  // namespace

void prefer_huge_pages(void* memory, size_t bytes) {
  if (bytes >= kWorthIt) advise(memory, bytes, MADV_HUGEPAGE);
}

void populate(void* memory, size_t bytes) { advise(memory, bytes, MADV_POPULATE_WRITE); }

}  // namespace cutloss::cpu
