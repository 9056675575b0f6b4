// Two vectors of storage at a time, in an order of the level's own: what load() takes apart, store() and stream() put
// together. bfloat16 comes apart as even and odd elements, by a shift and a mask.
#pragma once

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V, class T>
struct Pairs {
  using F = typename V::F;
  CUTLOSS_INLINE void load(const T* from, F* a, F* b) {
    *a = V::load(from);
    *b = V::load(from + V::kLanes);
  }
  CUTLOSS_INLINE void store(T* to, F a, F b) {
    V::store(to, a);
    V::store(to + V::kLanes, b);
  }
  CUTLOSS_INLINE void stream(T* to, F a, F b) {
    V::stream(to, a);
    V::stream(to + V::kLanes, b);
  }
};

template <class V>
struct Pairs<V, BFloat16> {
  using F = typename V::F;
  using U = typename V::U;
  CUTLOSS_INLINE void load(const BFloat16* from, F* even, F* odd) {
    const U both = V::template load_as<U>(from);
    *even = (F)(both << 16);
    *odd = (F)(both & 0xffff0000u);
  }
  CUTLOSS_INLINE void store(BFloat16* to, F even, F odd) { V::store_as(to, V::interleave_bfloat16(even, odd)); }
  CUTLOSS_INLINE void stream(BFloat16* to, F even, F odd) {
    V::stream(reinterpret_cast<float*>(to), (F)V::interleave_bfloat16(even, odd));
  }
};

}  // namespace cutloss::cpu
