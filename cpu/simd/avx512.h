// AVX-512 (F, BW, DQ, VL): 16 floats; scaling by a power of two is one instruction, subnormals included.
#pragma once

#include <immintrin.h>

#include "cpu/simd/portable.h"
#include "math/exp.h"

namespace cutloss::cpu {

struct Avx512 : Portable<16> {
  static constexpr bool kFused = true;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  using Portable<16>::load;
  using Portable<16>::store;
  using Portable<16>::widen;

  CUTLOSS_INLINE F load(const BFloat16* from) {
    return (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from)), 16);
  }
  CUTLOSS_INLINE F load(const Half* from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from)); }
  CUTLOSS_INLINE F load_part(const float* from, int64_t count, float fill) {
    return _mm512_mask_loadu_ps(splat(fill), first(count), from);
  }
  template <class T>
  CUTLOSS_INLINE F load_part(const T* from, int64_t count, float fill) {
    T part[kLanes];
    _mm256_storeu_si256((__m256i*)part, _mm256_maskz_loadu_epi16(first(count), from));
    return _mm512_mask_blend_ps(first(count), splat(fill), load(part));
  }
  CUTLOSS_INLINE __mmask16 first(int64_t count) { return __mmask16((1u << count) - 1); }

  using Portable<16>::horizontal_max;
  CUTLOSS_INLINE float horizontal_max(F v) { return _mm512_reduce_max_ps(v); }

  CUTLOSS_INLINE __m256i to_half(F v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }
  CUTLOSS_INLINE void store(Half* to, F v) { _mm256_storeu_si256((__m256i*)to, to_half(v)); }

  CUTLOSS_INLINE void stream(float* to, F v) { _mm512_stream_ps(to, v); }
  CUTLOSS_INLINE void stream(BFloat16* to, F v) { _mm256_stream_si256((__m256i*)to, (__m256i)round_to_bfloat16(v)); }
  CUTLOSS_INLINE void stream(Half* to, F v) { _mm256_stream_si256((__m256i*)to, to_half(v)); }
  CUTLOSS_INLINE void fence() { _mm_sfence(); }

  CUTLOSS_INLINE uint32_t bits(I mask) { return _mm512_movepi32_mask((__m512i)mask); }
  CUTLOSS_INLINE bool all(I mask) { return bits(mask) == 0xffff; }
  // By way of memory the compiler would keep there what is added up in a loop before.
  CUTLOSS_INLINE void widen(F v, D* low, D* high) {
    *low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
    *high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
  }
  CUTLOSS_INLINE F rearrange(F v, I at) { return _mm512_permutexvar_ps((__m512i)at, v); }
  /// Lane i is lane at[i] of a, and from kLanes on of b.
  CUTLOSS_INLINE F rearrange(F a, F b, I at) { return _mm512_permutex2var_ps(a, (__m512i)at, b); }
  // A four is a lane of 128 bits.
  CUTLOSS_INLINE void load_fours(const float* rows, int64_t stride, F (&v)[4]) {
    for (int k = 0; k < 4; ++k) {
      const float* row = rows + k * stride;
      asm("" : "+r"(row));  // or the compiler would keep an address for each load, most of them in vectors
      v[k] = _mm512_castps128_ps512(_mm_loadu_ps(row));
      v[k] = _mm512_mask_broadcast_f32x4(v[k], 0x00f0, _mm_loadu_ps(row + 4 * stride));
      v[k] = _mm512_mask_broadcast_f32x4(v[k], 0x0f00, _mm_loadu_ps(row + 8 * stride));
      v[k] = _mm512_mask_broadcast_f32x4(v[k], 0xf000, _mm_loadu_ps(row + 12 * stride));
    }
  }
  CUTLOSS_INLINE void store_fours(const F (&v)[4], float* rows, int64_t stride) {
    for (int k = 0; k < 4; ++k) {
      float* row = rows + k * stride;
      _mm_storeu_ps(row, _mm512_castps512_ps128(v[k]));
      _mm_storeu_ps(row + 4 * stride, _mm512_extractf32x4_ps(v[k], 1));
      _mm_storeu_ps(row + 8 * stride, _mm512_extractf32x4_ps(v[k], 2));
      _mm_storeu_ps(row + 12 * stride, _mm512_extractf32x4_ps(v[k], 3));
    }
  }
  CUTLOSS_INLINE void turn_fours(F (&v)[4]) {
    const F a = _mm512_unpacklo_ps(v[0], v[1]), b = _mm512_unpackhi_ps(v[0], v[1]);
    const F c = _mm512_unpacklo_ps(v[2], v[3]), d = _mm512_unpackhi_ps(v[2], v[3]);
    v[0] = _mm512_shuffle_ps(a, c, 0x44), v[1] = _mm512_shuffle_ps(a, c, 0xee);
    v[2] = _mm512_shuffle_ps(b, d, 0x44), v[3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  CUTLOSS_INLINE F repeat_four(const float* four) { return _mm512_broadcast_f32x4(_mm_loadu_ps(four)); }

  CUTLOSS_INLINE F max(F a, F b) { return _mm512_max_ps(a, b); }
  CUTLOSS_INLINE F multiply_add(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  CUTLOSS_INLINE F round(F x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  /// 2^(k / 32) for the five lowest bits of each lane.
  CUTLOSS_INLINE F root_of_two(I k) {
    const F low = load(math::kRootsOfTwo.data()), high = load(math::kRootsOfTwo.data() + 16);
    return _mm512_permutex2var_ps(low, (__m512i)k, high);
  }
  CUTLOSS_INLINE F look_up(F table, I k) { return rearrange(table, k); }
  /// x * 2^n, n rounded down.
  CUTLOSS_INLINE F scale_by_power(F x, F n) { return _mm512_scalef_ps(x, n); }
};
static_assert(math::LooksUpRoots<Avx512> && math::LooksUpLanes<Avx512>);

}  // namespace cutloss::cpu
