// AVX2 with FMA and F16C: 8 floats.
#pragma once

#include <immintrin.h>

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

struct Avx2 : Portable<8> {
  static constexpr bool kFused = true;
  static constexpr int kTileRows = 6;
  using Portable<8>::load;
  using Portable<8>::store;
  using Portable<8>::widen;

  CUTLOSS_INLINE F load(const BFloat16* from) {
    return (F)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)from)), 16);
  }
  CUTLOSS_INLINE F load(const Half* from) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from)); }
  CUTLOSS_INLINE __m128i to_half(F v) { return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }
  CUTLOSS_INLINE void store(Half* to, F v) { _mm_storeu_si128((__m128i*)to, to_half(v)); }

  CUTLOSS_INLINE void stream(float* to, F v) { _mm256_stream_ps(to, v); }
  CUTLOSS_INLINE void stream(BFloat16* to, F v) { _mm_stream_si128((__m128i*)to, (__m128i)round_to_bfloat16(v)); }
  CUTLOSS_INLINE void stream(Half* to, F v) { _mm_stream_si128((__m128i*)to, to_half(v)); }
  CUTLOSS_INLINE void fence() { _mm_sfence(); }

  CUTLOSS_INLINE uint32_t bits(I mask) { return uint32_t(_mm256_movemask_ps((__m256)mask)); }
  CUTLOSS_INLINE bool all(I mask) { return bits(mask) == 0xff; }
  // By way of memory the compiler would keep there what is added up in a loop before.
  CUTLOSS_INLINE void widen(F v, D* low, D* high) {
    *low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
    *high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
  }
  CUTLOSS_INLINE F rearrange(F v, I at) { return _mm256_permutevar8x32_ps(v, (__m256i)at); }
  // A four is a lane of 128 bits.
  CUTLOSS_INLINE void load_fours(const float* rows, int64_t stride, F (&v)[4]) {
    for (int k = 0; k < 4; ++k) {
      v[k] = _mm256_castps128_ps256(_mm_loadu_ps(rows + k * stride));
      v[k] = _mm256_insertf128_ps(v[k], _mm_loadu_ps(rows + (k + 4) * stride), 1);
    }
  }
  CUTLOSS_INLINE void store_fours(const F (&v)[4], float* rows, int64_t stride) {
    for (int k = 0; k < 4; ++k) {
      _mm_storeu_ps(rows + k * stride, _mm256_castps256_ps128(v[k]));
      _mm_storeu_ps(rows + (k + 4) * stride, _mm256_extractf128_ps(v[k], 1));
    }
  }
  CUTLOSS_INLINE void turn_fours(F (&v)[4]) {
    const F a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
    const F c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
    v[0] = _mm256_shuffle_ps(a, c, 0x44), v[1] = _mm256_shuffle_ps(a, c, 0xee);
    v[2] = _mm256_shuffle_ps(b, d, 0x44), v[3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  CUTLOSS_INLINE F repeat_four(const float* four) { return _mm256_broadcast_ps((const __m128*)four); }

  CUTLOSS_INLINE F look_up(F table, I k) { return rearrange(table, k); }
  /// The bits of x as a number, and so many eighths of a power of two more: where these make whole powers, x times
  /// them.
  CUTLOSS_INLINE F raise(F x, I eighths) { return (F)((U)x + ((U)eighths << 20)); }

  CUTLOSS_INLINE F max(F a, F b) { return _mm256_max_ps(a, b); }
  CUTLOSS_INLINE F min(F a, F b) { return _mm256_min_ps(a, b); }
  CUTLOSS_INLINE F multiply_add(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  CUTLOSS_INLINE F round(F x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
};

}  // namespace cutloss::cpu
