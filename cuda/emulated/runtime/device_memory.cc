// Reservation, guard pages and red zones.
#include "cuda/emulated/runtime/device_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "cuda/emulated/runtime/address_sanitizer.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

constexpr size_t kAlignment = 256;  // what cudaMalloc promises
constexpr std::byte kRedZone{0xca};
constexpr size_t kMaxFilled = size_t{64} << 20;  // a large workspace is not touched in vain

size_t page_bytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

size_t round_up(size_t value, size_t to) { return (value + to - 1) / to * to; }

// The last allocation that a thread found; void once anything was freed.
struct Found {
  const std::byte *begin = nullptr, *end = nullptr;
  uint64_t generation = 0;
};
constinit thread_local Found last_found;
std::atomic<uint64_t> generation{1};

}  // namespace

DeviceMemory& device_memory() {
  static DeviceMemory& memory = *new DeviceMemory;  // never destroyed: see block_pool()
  return memory;
}

DeviceMemory::DeviceMemory() {
  void* memory = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no address space for the memory of the device");
  memory_ = static_cast<std::byte*>(memory);
  taken_ = page_bytes();
  if (const char* text = getenv("CUTLOSS_EMULATED_MEMORY")) capacity_ = strtoull(text, nullptr, 0);
  if (const char* text = getenv("CUTLOSS_EMULATED_FAIL_ALLOCATION")) fail_allocation(strtoull(text, nullptr, 0));
}

void DeviceMemory::fail_allocation(uint64_t k) {
  std::lock_guard lock(mutex_);
  allocations_until_failure_ = k;
}

size_t DeviceMemory::used_bytes() const {
  std::lock_guard lock(mutex_);
  return used_;
}

std::byte* DeviceMemory::take_pages(size_t bytes) {
  const size_t with_guard = bytes + page_bytes();
  if (taken_ + with_guard <= kReserved) {
    std::byte* pages = memory_ + taken_;
    taken_ += with_guard;
    return pages;
  }
  for (auto it = freed_.begin(); it != freed_.end(); ++it) {  // oldest first
    if (it->second < bytes) continue;
    std::byte* pages = it->first;
    freed_.erase(it);
    return pages;
  }
  return nullptr;
}

void* DeviceMemory::allocate(size_t bytes) {
  std::lock_guard lock(mutex_);
  if (allocations_until_failure_ != 0 && --allocations_until_failure_ == 0) return nullptr;
  if (bytes > capacity_ - used_) return nullptr;
  const size_t in_pages = round_up(bytes, page_bytes());
  std::byte* pages = take_pages(in_pages);
  if (!pages || mprotect(pages, in_pages, PROT_READ | PROT_WRITE) != 0) return nullptr;
  Allocation a;
  a.pages = pages;
  a.pages_end = pages + in_pages;
  a.begin = a.pages_end - round_up(bytes, kAlignment);
  a.end = a.begin + bytes;
  memset(a.pages, static_cast<int>(kRedZone), static_cast<size_t>(a.begin - a.pages));
  memset(a.begin, 0xff, std::min(bytes, kMaxFilled));
  memset(a.end, static_cast<int>(kRedZone), static_cast<size_t>(a.pages_end - a.end));
  poison(a.pages, static_cast<size_t>(a.begin - a.pages));
  poison(a.end, static_cast<size_t>(a.pages_end - a.end));
  used_ += bytes;
  allocations_[a.pages] = a;
  return a.begin;
}

bool DeviceMemory::release(void* pointer) {
  std::lock_guard lock(mutex_);
  auto it = allocations_.upper_bound(static_cast<std::byte*>(pointer));
  if (it == allocations_.begin() || std::prev(it)->second.begin != pointer) return false;
  const Allocation a = (--it)->second;
  check_red_zone(a);
  const size_t in_pages = static_cast<size_t>(a.pages_end - a.pages);
  unpoison(a.pages, in_pages);
  madvise(a.pages, in_pages, MADV_DONTNEED);
  mprotect(a.pages, in_pages, PROT_NONE);
  used_ -= static_cast<size_t>(a.end - a.begin);
  allocations_.erase(it);
  freed_.emplace_back(a.pages, in_pages);
  generation++;
  return true;
}

bool DeviceMemory::is_allocated(const void* p, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(p);
  const uint64_t now = generation.load(std::memory_order_relaxed);
  Found& found = last_found;
  if (found.generation == now && begin >= found.begin && begin + bytes <= found.end) return true;
  std::lock_guard lock(mutex_);
  auto it = allocations_.upper_bound(begin);
  if (it == allocations_.begin()) return false;
  const Allocation& a = std::prev(it)->second;
  if (begin < a.begin || begin + bytes > a.end) return false;
  found = {a.begin, a.end, now};
  return true;
}

void DeviceMemory::check_access(const void* p, size_t bytes, size_t alignment, const char* what, Where where) {
  if (!is_allocated(p, bytes)) fail(std::string(what) + " outside global memory", where, "  " + describe(p) + "\n");
  if (reinterpret_cast<uintptr_t>(p) % alignment != 0)
    fail(std::string(what) + " is not aligned to " + std::to_string(alignment) + " bytes", where,
         "  " + describe(p) + "\n");
}

void DeviceMemory::check_red_zones() {
  std::lock_guard lock(mutex_);
  for (const auto& entry : allocations_) check_red_zone(entry.second);
}

void DeviceMemory::check_red_zone(const Allocation& a) const {
  const auto complain = [&](const std::byte* p) {
    const bool behind = p >= a.end;
    fail("a kernel wrote outside its global memory",
         "  " + std::to_string(behind ? p - a.end : a.begin - p) + " bytes " +
             (behind ? "behind the end" : "before the beginning") + " of an allocation of " +
             std::to_string(a.end - a.begin) + " bytes; found after the launch\n");
  };
  for (const std::byte* p = a.pages; p < a.begin; p++)
    if (*p != kRedZone) complain(p);
  for (const std::byte* p = a.end; p < a.pages_end; p++)
    if (*p != kRedZone) complain(p);
}

std::string DeviceMemory::describe(const void* address) {
  const auto* p = static_cast<const std::byte*>(address);
  char text[160];
  snprintf(text, sizeof text, "address %p is not in device memory", address);
  if (!contains(p)) return text;
  std::lock_guard lock(mutex_);
  auto it = allocations_.upper_bound(p);
  const Allocation* before = it == allocations_.begin() ? nullptr : &std::prev(it)->second;
  if (before && p < before->begin) {
    snprintf(text, sizeof text, "address %p is %td bytes before an allocation of %td bytes", address, before->begin - p,
             before->end - before->begin);
  } else if (before && p < before->end) {
    snprintf(text, sizeof text, "address %p is byte %td of an allocation of %td bytes", address, p - before->begin,
             before->end - before->begin);
  } else if (before) {
    snprintf(text, sizeof text, "address %p is %td bytes behind the end of an allocation of %td bytes", address,
             p - before->end, before->end - before->begin);
  } else {
    snprintf(text, sizeof text, "address %p is in device memory that is free", address);
  }
  return text;
}

}  // namespace cutloss::emulated
