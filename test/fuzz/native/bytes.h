// The fuzzer's bytes as a row of decisions. Once they have run out every decision is 0, so that each stretch of bytes
// is a whole case, and a short one is a plain case.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cutloss::fuzz {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}

  uint8_t byte() { return next_ == end_ ? uint8_t{0} : *next_++; }
  uint32_t below(uint32_t count) { return byte() % count; }

 private:
  const uint8_t* next_;
  const uint8_t* end_;
};

/// Numbers for filling memory: a byte chooses the sequence.
class Numbers {
 public:
  explicit Numbers(uint8_t seed) : state_(0x9e3779b97f4a7c15u * (seed + 1u)) {}

  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }

 private:
  uint64_t state_;
};

}  // namespace cutloss::fuzz
