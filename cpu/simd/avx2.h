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
  CUTLOSS_INLINE F max(F a, F b) { return _mm256_max_ps(a, b); }
  CUTLOSS_INLINE F multiply_add(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  CUTLOSS_INLINE F round(F x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
};

}  // namespace cutloss::cpu
