// Memory that lives as long as a call: allocated without exceptions, freed when it is no longer needed. For arrays that
// grow with the input; what fits a cache is Scratch's. Large ones come from blocks that are kept (cpu/memory.h).
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
      : data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        block_(std::exchange(other.block_, Block{})) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() { free(); }

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
    if (bytes >= kSmallestBlock) return move_to_block(count, bytes);
    void* grown = std::realloc(data_, bytes);
    if (!grown) return none(bytes);
    data_ = static_cast<T*>(grown);
    capacity_ = count;
    return {};
  }
  void free() {
    if (block_.memory) {
      give_back(std::exchange(block_, Block{}));
    } else {
      std::free(data_);
    }
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  /// As many elements as were asked for.
  uint64_t capacity() const { return capacity_; }
  T& operator[](uint64_t i) { return data_[i]; }
  const T& operator[](uint64_t i) const { return data_[i]; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  Status move_to_block(uint64_t count, uint64_t bytes) {
    const Block block = take_block(bytes);
    if (!block.memory) return none(bytes);
    const uint64_t used = capacity_ * sizeof(T);
    if (data_) std::memcpy(block.memory, data_, used);
    free();
    block_ = block;
    data_ = static_cast<T*>(block.memory);
    capacity_ = count;
    return {};
  }
  static Status none(uint64_t bytes) {
    return failure(Code::kMemory, "Expected %llu bytes of scratch memory but the allocation failed",
                   static_cast<unsigned long long>(bytes));
  }

  T* data_ = nullptr;
  uint64_t capacity_ = 0;
  Block block_;  // where data_ lies if it is large
};

}  // namespace cutloss::cpu
