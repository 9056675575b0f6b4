// Allocation, bounds and 32-bit addresses of shared memory.
#include "cuda/emulated/runtime/shared_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "cuda/emulated/runtime/address_sanitizer.h"
#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/mbarrier.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

// Between the arenas of a cluster and behind the last: nobody's bytes.
constexpr size_t kGap = 4096;

}  // namespace

SharedMemory::~SharedMemory() {
  unpoison(memory_, capacity_);
  free(memory_);
}

void SharedMemory::reset(size_t bytes_per_block, int blocks) {
  bytes_ = bytes_per_block;
  blocks_ = blocks;
  stride_ = (bytes_ + 1023) / 1024 * 1024 + kGap;
  if (total_bytes() > capacity_) {
    unpoison(memory_, capacity_);
    free(memory_);
    capacity_ = total_bytes();
    memory_ = static_cast<std::byte*>(aligned_alloc(1024, capacity_));
    if (!memory_) throw std::bad_alloc();
  }
  unpoison(memory_, capacity_);
  memset(memory_, 0xff, total_bytes());
  for (int rank = 0; rank < blocks; rank++) poison(begin(rank) + bytes_, stride_ - bytes_);
  mbarriers_.clear();
}

void SharedMemory::check(const void* p, size_t bytes, size_t alignment, const char* what, Where where) const {
  const size_t at = offset(p);
  if (at >= total_bytes() || at % stride_ + bytes > bytes_)
    fail(std::string(what) + " outside the shared memory of the block", where,
         "  offset " + std::to_string(static_cast<ptrdiff_t>(at)) + " of " + std::to_string(bytes_) +
             " bytes, reaching " + std::to_string(bytes) + " bytes further\n");
  if (reinterpret_cast<uintptr_t>(p) % alignment != 0)
    fail(std::string(what) + " is not aligned to " + std::to_string(alignment) + " bytes", where,
         "  offset " + std::to_string(at % stride_) + " in shared memory\n");
}

void SharedMemory::note_mbarrier(uint64_t* mbarrier) {
  forget_mbarrier(mbarrier);
  mbarriers_.push_back(mbarrier);
}

void SharedMemory::forget_mbarrier(uint64_t* mbarrier) { std::erase(mbarriers_, mbarrier); }

void SharedMemory::check_at_exit() const {
  for (int rank = 0; rank < blocks_; rank++)
    for (size_t i = bytes_; i < stride_; i++)
      if (begin(rank)[i] != std::byte{0xff})
        fail("a write beyond the end of shared memory", "  " + std::to_string(i - bytes_) + " bytes behind its " +
                                                            std::to_string(bytes_) +
                                                            " bytes; found when the block ended\n");
  for (const uint64_t* mbarrier : mbarriers_) check_mbarrier_at_exit(*mbarrier, offset(mbarrier) % stride_);
}

std::byte* shared_begin() { return current_block->shared.begin(current_thread->rank); }

uint32_t shared_address(const void* p, Where where) {
  const size_t offset = static_cast<size_t>(static_cast<const std::byte*>(p) - shared_begin());
  if (offset > current_block->shared.bytes_per_block())
    fail("the shared address of a pointer outside shared memory", where);
  return static_cast<uint32_t>(offset) + kFirstSharedAddress;
}

std::byte* shared_pointer(uint32_t address) { return shared_begin() + (address - kFirstSharedAddress); }

}  // namespace cutloss::emulated
