// Memory that lives as long as a call: allocated without exceptions, freed when it is no longer needed. For arrays that
// grow with the input; what fits a cache is Scratch's.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "cpu/memory.h"
#include "engine/status.h"

namespace cutloss::cpu {

template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  /// Room for `count` elements, uninitialised; what was there is gone.
  Status allocate(uint64_t count) {
    free();
    return grow(count);
  }
  Status allocate(uint64_t count, T value) {
    CUTLOSS_TRY(allocate(count));
    for (uint64_t i = 0; i < count; ++i) data_[i] = value;
    return {};
  }
  /// Room for at least `count` elements; what was there stays.
  Status grow(uint64_t count) {
    if (count <= capacity_ && data_) return {};
    const uint64_t bytes = (count > 0 ? count : 1) * sizeof(T);
    void* grown = bytes >= kLarge ? move_to_huge_pages(bytes) : std::realloc(data_, bytes);
    if (!grown) {
      return failure(Code::kMemory, "Expected %llu bytes of scratch memory but the allocation failed",
                     static_cast<unsigned long long>(bytes));
    }
    data_ = static_cast<T*>(grown);
    capacity_ = count;
    return {};
  }
  void free() {
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  uint64_t capacity() const { return capacity_; }
  T& operator[](uint64_t i) { return data_[i]; }
  const T& operator[](uint64_t i) const { return data_[i]; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  static constexpr uint64_t kLarge = uint64_t{1} << 21;

  void* move_to_huge_pages(uint64_t bytes) {
    void* moved = std::aligned_alloc(kLarge, (bytes + kLarge - 1) & ~(kLarge - 1));
    if (!moved) return nullptr;
    prefer_huge_pages(moved, bytes);
    if (data_) std::memcpy(moved, data_, capacity_ * sizeof(T));
    std::free(data_);
    return moved;
  }

  T* data_ = nullptr;
  uint64_t capacity_ = 0;
};

}  // namespace cutloss::cpu
