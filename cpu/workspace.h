// Scratch memory of a call. A layout is written once, as a function that takes its parts from an arena: the first run
// only counts, the second hands out the memory. One workspace is kept for the next call, since the first touch of fresh
// pages costs as much as computing on them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/status.h"

namespace cutloss::cpu {

class Arena {
 public:
  explicit Arena(char* memory = nullptr) : memory_(memory) {}

  /// Null for none, and while only counting.
  template <class T>
  T* take(int64_t count) {
    if (count == 0) return nullptr;
    T* part = memory_ ? reinterpret_cast<T*>(memory_ + bytes_) : nullptr;
    bytes_ += (count * int64_t(sizeof(T)) + kLine - 1) / kLine * kLine;
    return part;
  }
  int64_t bytes() const { return bytes_; }

 private:
  static constexpr int64_t kLine = 64;
  char* memory_;
  int64_t bytes_ = 0;
};

class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  ~Workspace();

  Status open(int64_t bytes);
  Arena arena() const { return Arena(static_cast<char*>(memory_)); }

  /// Bytes that calls hold now or that are kept for the next, and the most they ever came to.
  static void use(uint64_t* now, uint64_t* peak);

 private:
  void* memory_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace cutloss::cpu
