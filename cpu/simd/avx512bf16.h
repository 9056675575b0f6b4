// AVX-512 with AVX512-BF16: bfloat16 is rounded by one instruction, and pairs are multiplied without being widened
// (subnormals become zero).
#pragma once

#include "cpu/simd/avx512.h"

namespace cutloss::cpu {

struct Avx512Bf16 : Avx512 {
  using Avx512::store;
  using Avx512::stream;

  /// sum + a's lower half times b's + a's upper half times b's, lane by lane.
  CUTLOSS_INLINE F multiply_add_pairs(I a, I b, F sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }

  CUTLOSS_INLINE U interleave_bfloat16(F even, F odd) {
    alignas(64) static constexpr uint16_t kOrder[] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (U)_mm512_permutexvar_epi16(_mm512_load_si512(kOrder), (__m512i)_mm512_cvtne2ps_pbh(odd, even));
  }

  CUTLOSS_INLINE void store(BFloat16* to, F v) { _mm256_storeu_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(v)); }
  CUTLOSS_INLINE void stream(BFloat16* to, F v) { _mm256_stream_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(v)); }
};

}  // namespace cutloss::cpu
