// Vectors that go to memory one after the other, from any address on. What is streamed leaves in whole aligned vectors,
// each made of the end of one and the beginning of the next.
#pragma once

#include <algorithm>
#include <cstring>

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V, class To, bool kStream>
class RunWriter {
 public:
  using F = typename V::F;
  using I = typename V::I;

  /// To `count` elements; more may be given, and are dropped.
  RunWriter(To* to, int64_t count) : to_(to), count_(count) {
    constexpr uintptr_t kBytes = V::kLanes * sizeof(To);
    const int head = kStream ? int((kBytes - reinterpret_cast<uintptr_t>(to) % kBytes) % kBytes / sizeof(To)) : 0;
    int32_t joined[V::kLanes], from_last[V::kLanes];
    for (int i = 0; i < V::kLanes; ++i) {
      joined[i] = i + head;
      from_last[i] = i >= head ? -1 : 0;
    }
    joined_ = V::template load_as<I>(joined);
    from_last_ = V::template load_as<I>(from_last);
    at_ = head - V::kLanes;
  }

  [[gnu::always_inline]] void push(F v) {
    const F out = join(last_, v);
    if (at_ >= 0 && at_ + V::kLanes <= count_) {
      kStream ? V::stream(to_ + at_, out) : V::store(to_ + at_, out);
    } else {
      write_part(out);
    }
    last_ = v;
    at_ += V::kLanes;
  }
  void finish() { push(F{}); }

 private:
  [[gnu::always_inline]] F join(F last, F v) const {
    if constexpr (requires(F a, I at) { V::rearrange(a, a, at); }) return V::rearrange(last, v, joined_);
    return V::rearrange(V::select(from_last_, last, v), joined_ & (V::kLanes - 1));
  }

  void write_part(F out) {
    const int64_t first = std::max<int64_t>(at_, 0), end = std::min(at_ + V::kLanes, count_);
    if (first >= end) return;
    To whole[V::kLanes];
    V::store(whole, out);
    memcpy(to_ + first, whole + (first - at_), (end - first) * sizeof(To));
  }

  To* to_;
  int64_t count_, at_;
  F last_ = {};
  I joined_, from_last_;
};

}  // namespace cutloss::cpu
