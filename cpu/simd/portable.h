// The primitives every kernel is written in, for any machine, on the compiler's vector extensions. A SIMD level
// (avx2.h, avx512.h, neon.h) inherits this with its width and replaces what its instructions do better; kernels take
// the level as a template argument and know no instruction.
#pragma once

#include <cstdint>
#include <cstring>

#include "math/float16.h"

#define CUTLOSS_INLINE [[gnu::always_inline]] static inline

namespace cutloss::cpu {

// Written out per width: GCC does not take a template's parameter in vector_size.
template <int kLanes>
struct VectorTypes;
#define CUTLOSS_VECTOR_TYPES(lanes)                             \
  template <>                                                   \
  struct VectorTypes<lanes> {                                   \
    typedef float F __attribute__((vector_size(4 * lanes)));    \
    typedef int32_t I __attribute__((vector_size(4 * lanes)));  \
    typedef uint32_t U __attribute__((vector_size(4 * lanes))); \
    typedef uint16_t S __attribute__((vector_size(2 * lanes))); \
    typedef double D __attribute__((vector_size(4 * lanes)));   \
    typedef int64_t L __attribute__((vector_size(4 * lanes)));  \
    typedef float H __attribute__((vector_size(2 * lanes)));    \
  };
CUTLOSS_VECTOR_TYPES(4)
CUTLOSS_VECTOR_TYPES(8)
CUTLOSS_VECTOR_TYPES(16)
#undef CUTLOSS_VECTOR_TYPES

template <int kWidth>
struct Portable {
  static constexpr int kLanes = kWidth;        // floats in a vector
  static constexpr int kDoubles = kWidth / 2;  // doubles in a vector
  static constexpr bool kFused = false;        // multiply_add() rounds once
  // The register tile of a matrix product (cpu/cut_rows/micro_kernel.h), as many accumulators as there are registers
  // for.
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 2;

  using F = typename VectorTypes<kWidth>::F;
  using I = typename VectorTypes<kWidth>::I;
  using U = typename VectorTypes<kWidth>::U;
  using S = typename VectorTypes<kWidth>::S;  // storage of kLanes 16-bit numbers
  using D = typename VectorTypes<kWidth>::D;
  using L = typename VectorTypes<kWidth>::L;  // integers as wide as doubles
  using H = typename VectorTypes<kWidth>::H;  // kDoubles floats

  CUTLOSS_INLINE F splat(float x) { return x - F{}; }
  CUTLOSS_INLINE D splat(double x) { return x - D{}; }

  template <class V, class T>
  CUTLOSS_INLINE V load_as(const T* from) {
    V v;
    memcpy(&v, from, sizeof v);
    return v;
  }
  template <class V, class T>
  CUTLOSS_INLINE void store_as(T* to, V v) {
    memcpy(to, &v, sizeof v);
  }

  // kLanes elements of storage <-> floats
  CUTLOSS_INLINE F load(const float* from) { return load_as<F>(from); }
  CUTLOSS_INLINE F load(const BFloat16* from) { return (F)(__builtin_convertvector(load_as<S>(from), U) << 16); }
  CUTLOSS_INLINE F load(const Fraction16* from) { return (F)(__builtin_convertvector(load_as<S>(from), U) << 14); }
  CUTLOSS_INLINE F load(const Half* from) {
    F v;
    for (int i = 0; i < kLanes; ++i) v[i] = math::widen(from[i]);
    return v;
  }
  CUTLOSS_INLINE void store(float* to, F v) { store_as(to, v); }
  CUTLOSS_INLINE void store(BFloat16* to, F v) { store_as(to, round_to_bfloat16(v)); }
  CUTLOSS_INLINE void store(Fraction16* to, F v) { store_as(to, __builtin_convertvector(((U)v + 0x2000u) >> 14, S)); }
  CUTLOSS_INLINE void store(Half* to, F v) {
    for (int i = 0; i < kLanes; ++i) math::narrow(v[i], to + i);
  }
  // past the caches, to kLanes elements aligned to their size; fence() before anybody else reads
  template <class T>
  CUTLOSS_INLINE void stream(T* to, F v) {
    store(to, v);
  }
  CUTLOSS_INLINE void fence() {}

  /// A bfloat16 in the upper half of each lane; the lower half means nothing.
  CUTLOSS_INLINE U round_upper_half(F v) {
    const U bits = (U)v;
    const U rounded = bits + 0x7fffu + ((bits >> 16) & 1u), quiet = bits | 0x400000u;
    return (bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
  }
  CUTLOSS_INLINE S round_to_bfloat16(F v) { return __builtin_convertvector(round_upper_half(v) >> 16, S); }
  /// even[0], odd[0], even[1], ...
  CUTLOSS_INLINE U interleave_bfloat16(F even, F odd) {
    return round_upper_half(even) >> 16 | (round_upper_half(odd) & 0xffff0000u);
  }

  /// Per element, a where the mask is set, else b.
  CUTLOSS_INLINE F select(I mask, F a, F b) { return mask ? a : b; }
  /// sum + x where the mask is set.
  CUTLOSS_INLINE F add_where(I mask, F sum, F x) { return mask ? sum + x : sum; }
  CUTLOSS_INLINE bool all(I mask) {
    int32_t lanes[kLanes];
    store_as(lanes, mask);
    int32_t together = -1;
    for (int32_t lane : lanes) together &= lane;
    return together != 0;
  }

  /// The larger; where either is not a number, b.
  CUTLOSS_INLINE F max(F a, F b) { return a > b ? a : b; }
  /// a * b + c, in one rounding where the level has it.
  CUTLOSS_INLINE F multiply_add(F a, F b, F c) { return a * b + c; }
  /// To the nearest whole number, for |x| < 2^22.
  CUTLOSS_INLINE F round(F x) {
    constexpr float kMagic = 0x1.8p23f;
    return (x + kMagic) - kMagic;
  }
  /// x * 2^n for whole n; far below the subnormals the result is zero.
  CUTLOSS_INLINE F scale_by_power(F x, F n) {
    I i = __builtin_convertvector(max(splat(-252.f), -max(splat(-252.f), -n)), I);
    const I first = i >> 1;
    return x * (F)((first + 127) << 23) * (F)((i - first + 127) << 23);
  }

  /// x = 2^e m with sqrt(1/2) <= m < sqrt(2), for normal x > 0: e, and m. Whatever is not finite stays in m.
  CUTLOSS_INLINE F split(F x, F* m) {
    const I bits = (I)x;
    const I shifted = bits - 0x3f3504f3;  // sqrt(1/2)
    const I e = shifted >> 23;
    *m = bits >= 0x7f800000 || bits < 0 ? x : (F)((shifted & 0x7fffff) + 0x3f3504f3);
    return __builtin_convertvector(e, F);
  }

  /// The first `count` < kLanes elements, the rest filled.
  template <class T>
  CUTLOSS_INLINE F load_part(const T* from, int64_t count, float fill) {
    float part[kLanes];
    for (int i = 0; i < kLanes; ++i) part[i] = i < count ? math::widen(from[i]) : fill;
    return load_as<F>(part);
  }

  /// A bit per lane of a comparison.
  CUTLOSS_INLINE uint32_t bits(I mask) {
    uint32_t all = 0;
    for (int i = 0; i < kLanes; ++i) all |= uint32_t(mask[i] & 1) << i;
    return all;
  }

  /// Lane i is lane at[i] of v.
  CUTLOSS_INLINE F rearrange(F v, I at) {
    F moved;
    for (int i = 0; i < kLanes; ++i) moved[i] = v[at[i]];
    return moved;
  }

  /// Four numbers of each of kLanes rows, `stride` apart: vector k has those of rows k, k + 4, k + 8, ... And back.
  CUTLOSS_INLINE void load_fours(const float* rows, int64_t stride, F (&v)[4]) {
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < kLanes; ++i) v[k][i] = rows[(i / 4 * 4 + k) * stride + i % 4];
    }
  }
  CUTLOSS_INLINE void store_fours(const F (&v)[4], float* rows, int64_t stride) {
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < kLanes; ++i) rows[(i / 4 * 4 + k) * stride + i % 4] = v[k][i];
    }
  }
  /// Turned, vector k has the k-th number of every row; turned again, they are as before.
  CUTLOSS_INLINE void turn_fours(F (&v)[4]) {
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < k; ++i) {
        for (int four = 0; four < kLanes; four += 4) {
          const float moved = v[k][four + i];
          v[k][four + i] = v[i][four + k];
          v[i][four + k] = moved;
        }
      }
    }
  }
  /// Four numbers, again and again.
  CUTLOSS_INLINE F repeat_four(const float* four) {
    F v;
    for (int i = 0; i < kLanes; ++i) v[i] = four[i % 4];
    return v;
  }

  CUTLOSS_INLINE float horizontal_max(F v) {
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) v[i] = v[i] > v[i + half] ? v[i] : v[i + half];
    }
    return v[0];
  }
  CUTLOSS_INLINE double horizontal_max(D v) {
    for (int half = kDoubles / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) v[i] = v[i] > v[i + half] ? v[i] : v[i + half];
    }
    return v[0];
  }
  CUTLOSS_INLINE double horizontal_sum(F v) {
    float lanes[kLanes];
    store_as(lanes, v);
    return horizontal_sum(widen(lanes) + widen(lanes + kDoubles));
  }
  CUTLOSS_INLINE double horizontal_sum(D v) {
    for (int half = kDoubles / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) v[i] += v[i + half];
    }
    return v[0];
  }

  CUTLOSS_INLINE D widen(const float* from) { return __builtin_convertvector(load_as<H>(from), D); }
  /// Both halves of a vector.
  CUTLOSS_INLINE void widen(F v, D* low, D* high) {
    float lanes[kLanes];
    store_as(lanes, v);
    *low = widen(lanes);
    *high = widen(lanes + kDoubles);
  }
  CUTLOSS_INLINE void narrow(float* to, D v) { store_as(to, __builtin_convertvector(v, H)); }
};

}  // namespace cutloss::cpu
