// Memory that is asked for once and cut into pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace cutloss::cuda {

/// Cuts pieces off a stretch of memory; without memory it only measures.
class Cutter {
 public:
  explicit Cutter(void* memory = nullptr) : begin_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(uint64_t count) {
    used_ = (used_ + kAlignment - 1) / kAlignment * kAlignment;
    char* piece = begin_ ? begin_ + used_ : nullptr;
    used_ += count * sizeof(T);
    return reinterpret_cast<T*>(piece);
  }
  /// Another cutter over the same memory from here on; keep() makes this one go on behind the longest of them.
  Cutter over() const { return *this; }
  void keep(const Cutter& other) { used_ = std::max(used_, other.used_); }
  size_t used() const { return used_; }

 private:
  static constexpr size_t kAlignment = 256;
  char* begin_;
  size_t used_ = 0;
};

}  // namespace cutloss::cuda
