// From products to z, a line of one class at a time, in double: z = s(product / temperature + bias), with the slope
// dz / dproduct where it is asked for.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/simd/exp_double.h"

namespace cutloss::cpu {

template <class V>
struct Transform {
  using D = typename V::D;

  /// `count` is a multiple of the vector's lanes.
  static void line(const CutTransform& t, int64_t class_id, const float* products, int64_t count, float* z,
                   float* slope) {
    const double bias = t.bias ? t.bias[class_id] : 0;
    for (int64_t i = 0; i < count; i += V::kDoubles) {
      D value, by_logit;
      t.cap.apply(V::widen(products + i) * t.inverse_temperature + bias, exp_double<V>, &value, &by_logit);
      V::narrow(z + i, value);
      if (slope) V::narrow(slope + i, by_logit * t.inverse_temperature);
    }
  }
};

}  // namespace cutloss::cpu
