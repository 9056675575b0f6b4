// What the formulas of math/ for any width are written in, on a GPU: a thread's one float.
#pragma once

#include "cuda/ptx/math.h"
#include "math/float16.h"

namespace cutloss::cuda {

/// One float.
struct Scalar {
  using F = float;
  __device__ static float splat(float x) { return x; }
  __device__ static float max(float a, float b) { return a > b ? a : b; }
  __device__ static float select(bool mask, float a, float b) { return mask ? a : b; }
  __device__ static float multiply_add(float a, float b, float c) { return fmaf(a, b, c); }
  /// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits; the conversions would take four times as long.
  __device__ static float round(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
  __device__ static float exp2(float x) { return ptx::exp2_approx(x); }
  /// x = 2^e m with sqrt(1/2) <= m < sqrt(2), for normal x > 0: e, and m. Whatever is not finite stays in m.
  __device__ static float split(float x, float* m) {
    const uint32_t bits = math::bits_of(x), shifted = bits - 0x3f3504f3u;  // sqrt(1/2)
    *m = bits >= 0x7f800000u ? x : math::float_of((shifted & 0x7fffffu) + 0x3f3504f3u);
    return static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  }
  /// In two steps, the results of which reach from subnormals to the largest floats.
  __device__ static float scale_by_power(float x, float n) {
    n = fminf(fmaxf(n, -252.f), 254.f);
    const float half = round(n * 0.5f);
    return x * power(half) * power(n - half);
  }

 protected:
  /// 2^n for whole n from -127 to 127, but zero for -127.
  __device__ static float power(float n) {
    constexpr float kBias = 0x1.8p23f + 127;
    return math::float_of(math::bits_of(n + kBias) << 23);
  }
};

/// For terms of a sum that are at most about 2^93: in one step, and what would be subnormal is zero.
struct ScalarTerm : Scalar {
  __device__ static float scale_by_power(float x, float n) { return x * power(fminf(fmaxf(n, -127.f), 127.f)); }
};

}  // namespace cutloss::cuda
