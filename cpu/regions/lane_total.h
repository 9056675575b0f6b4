// A sum whose every lane is in double, of vectors of floats.
#pragma once

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V>
struct LaneTotal {
  using D = typename V::D;

  D low = {}, high = {};

  void add(typename V::F v) {
    D first, second;
    V::widen(v, &first, &second);
    low += first;
    high += second;
  }
  void store(double* lanes) const {
    V::store_as(lanes, low);
    V::store_as(lanes + V::kDoubles, high);
  }
  double sum() const { return V::horizontal_sum(low + high); }
};

}  // namespace cutloss::cpu
