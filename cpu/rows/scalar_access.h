// Single elements of a row, and its largest. V only keeps each level's copies apart.
#pragma once

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V, class T>
struct ScalarAccess {
  static double element(const void* row, int64_t index) { return math::widen(static_cast<const T*>(row)[index]); }

  /// The first of the largest; not-a-number is larger than anything, as in PyTorch.
  static int64_t argmax(const void* row, int64_t classes) {
    const T* z = static_cast<const T*>(row);
    float most = math::widen(z[0]);
    int64_t best = 0;
    for (int64_t j = 0; j < classes; ++j) {
      const float v = math::widen(z[j]);
      if (v != v) return j;
      if (v > most) most = v, best = j;
    }
    return best;
  }
};

}  // namespace cutloss::cpu
