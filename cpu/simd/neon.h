// NEON on AArch64: 4 floats.
#pragma once

#include <arm_neon.h>

#include "cpu/simd/portable.h"

namespace cutloss::cpu {

struct Neon : Portable<4> {
  static constexpr bool kFused = true;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  using Portable<4>::load;
  using Portable<4>::store;

  CUTLOSS_INLINE F load(const Half* from) {
    return (F)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t*)from)));
  }
  CUTLOSS_INLINE void store(Half* to, F v) {
    vst1_u16((uint16_t*)to, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
  }
  CUTLOSS_INLINE F multiply_add(F a, F b, F c) { return (F)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
  CUTLOSS_INLINE F round(F x) { return (F)vrndnq_f32((float32x4_t)x); }
  CUTLOSS_INLINE void fence() {}
};

}  // namespace cutloss::cpu
