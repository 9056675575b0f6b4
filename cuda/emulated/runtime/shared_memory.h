// The dynamic shared memory of a block (of all blocks, in a cluster). It starts as NaN in every format, so that
// what was never written shows, and it is the only place that shared-memory instructions may address.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

class SharedMemory {
 public:
  SharedMemory() = default;
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void reset(size_t bytes_per_block, int blocks);

  std::byte* begin(int rank) const { return memory_ + static_cast<size_t>(rank) * stride_; }
  size_t total_bytes() const { return stride_ * static_cast<size_t>(blocks_); }
  size_t bytes_per_block() const { return bytes_; }
  size_t stride() const { return stride_; }

  bool contains(const void* p) const { return offset(p) < total_bytes(); }
  size_t offset(const void* p) const { return static_cast<size_t>(static_cast<const std::byte*>(p) - memory_); }

  // Fails unless [p, p + bytes) lies within one block's arena and p is aligned.
  void check(const void* p, size_t bytes, size_t alignment, const char* what, Where where) const;

  void note_mbarrier(uint64_t* mbarrier);
  void forget_mbarrier(uint64_t* mbarrier);

  // When a block has ended: nothing was written between the arenas, and every mbarrier is at rest.
  void check_at_exit() const;

 private:
  std::byte* memory_ = nullptr;
  size_t capacity_ = 0;
  size_t bytes_ = 0, stride_ = 0;
  int blocks_ = 1;
  std::vector<uint64_t*> mbarriers_;
};

// For the running thread. Addresses begin at kFirstSharedAddress, as on the device, where the first KiB is taken.
inline constexpr uint32_t kFirstSharedAddress = 1024;
std::byte* shared_begin();
uint32_t shared_address(const void* p, Where where);
std::byte* shared_pointer(uint32_t address);

}  // namespace cutloss::emulated
