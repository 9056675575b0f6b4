// The memory of the emulated device: page-aligned pieces of one large reservation, each ending at an inaccessible
// page, so that a kernel that runs off its end stops there and then. What alignment leaves over between the data and
// its pages is a red zone, checked after every launch. Fresh memory is NaN in every format.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

class DeviceMemory {
 public:
  DeviceMemory();

  // What the device claims to have: 4 GiB, or CUTLOSS_EMULATED_MEMORY in bytes. It is reserved, not used up.
  size_t capacity() const { return capacity_; }

  // Null when the device has no memory left, or when a failure was asked for.
  void* allocate(size_t bytes);

  // False for a pointer that allocate() did not return, or that is already free.
  bool release(void* pointer);

  size_t used_bytes() const;

  bool contains(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - memory_) < kReserved;
  }

  // Whether all of [p, p + bytes) belongs to one allocation.
  bool is_allocated(const void* p, size_t bytes);

  void check_access(const void* p, size_t bytes, size_t alignment, const char* what, Where where);
  void check_red_zones();

  // Says which allocation an address is near.
  std::string describe(const void* p);

  // Makes the k-th allocation from now fail (1 is the next); 0 takes it back. The environment variable
  // CUTLOSS_EMULATED_FAIL_ALLOCATION does the same from the start of the process.
  void fail_allocation(uint64_t k);

 private:
  struct Allocation {
    std::byte *pages, *begin, *end, *pages_end;
  };

  std::byte* take_pages(size_t bytes);
  void check_red_zone(const Allocation& allocation) const;

  static constexpr size_t kReserved = size_t{256} << 30;

  mutable std::mutex mutex_;
  std::byte* memory_ = nullptr;
  size_t capacity_ = size_t{4} << 30;
  size_t taken_ = 0, used_ = 0;
  uint64_t allocations_until_failure_ = 0;
  std::map<const std::byte*, Allocation> allocations_;  // by their first page
  std::deque<std::pair<std::byte*, size_t>> freed_;
};

DeviceMemory& device_memory();

}  // namespace cutloss::emulated
