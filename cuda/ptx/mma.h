// mma.sync: a warp multiplies a [16, K] by b [K, 8] and adds to d [16, 8] in float32. Compute capability 8.0.
// Lane 4 g + m holds, of d, rows g and g + 8 and columns 2 m and 2 m + 1: d[0], d[1] in row g, d[2], d[3] in g + 8.
// 16-bit operands come in pairs, the lower index in the lower half: a[0] is row g and k = 2 m, 2 m + 1, a[1] is row
// g + 8, a[2] and a[3] are those 8 further in k; b[0] is column g and k = 2 m, 2 m + 1, b[1] is 8 further in k.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/mma.h"
#endif

namespace cutloss::cuda::ptx {

__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                                  Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mma_m16n8k16(emulated::Format::kBf16, d, a, b, where);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

__device__ __forceinline__ void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                                 Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mma_m16n8k16(emulated::Format::kF16, d, a, b, where);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Operands are float32 registers of which the upper 19 bits count (see to_tf32): a[0] is row g and k = m, a[1] row
// g + 8, a[2] and a[3] those 4 further in k; b[0] is column g and k = m, b[1] is 4 further in k.
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                                 Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::mma_m16n8k8_tf32(d, a, b, where);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

}  // namespace cutloss::cuda::ptx
