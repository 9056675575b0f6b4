// ldmatrix: a warp loads 1, 2 or 4 tiles of 8 x 8 16-bit numbers from shared memory, in the layout of mma's operands.
// Lane 8 i + r gives the address of row r of tile i (16 aligned bytes); lane 4 g + m receives elements 2 m and
// 2 m + 1 of row g of each tile, or, transposed, of column g. Compute capability 7.5.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/ptx/memory.h"
#include "cuda/ptx/where.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/mma.h"
#endif

namespace cutloss::cuda::ptx {

__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void* row, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::load_matrix(r, row, 4, false, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#endif
}

__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::load_matrix(r, row, 4, true, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#endif
}

__device__ __forceinline__ void ldmatrix_x2(uint32_t (&r)[2], const void* row, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::load_matrix(r, row, 2, false, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#endif
}

__device__ __forceinline__ void ldmatrix_x2_trans(uint32_t (&r)[2], const void* row, Where where = Where::current()) {
#ifdef CUTLOSS_EMULATED
  emulated::load_matrix(r, row, 2, true, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#endif
}

}  // namespace cutloss::cuda::ptx
