// AVX-512 with AVX512-BF16: bfloat16 is rounded by one instruction (subnormals become zero).
#pragma once

#include "cpu/simd/avx512.h"

namespace cutloss::cpu {

struct Avx512Bf16 : Avx512 {
  using Avx512::store;
  using Avx512::stream;

  CUTLOSS_INLINE void store(BFloat16* to, F v) { _mm256_storeu_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(v)); }
  CUTLOSS_INLINE void stream(BFloat16* to, F v) { _mm256_stream_si256((__m256i*)to, (__m256i)_mm512_cvtneps_pbh(v)); }
};

}  // namespace cutloss::cpu
