// ldmatrix and mma.sync: a warp loads 8x8 tiles of 16-bit numbers from shared memory and multiplies small matrices
// whose elements are spread over its lanes.
#pragma once
#include <cstdint>

#include "cuda/emulated/runtime/number_formats.h"
#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

// Loads `count` (1, 2 or 4) tiles; lane 8 i + r gives the address of row r of tile i.
void load_matrix(uint32_t* registers, const void* row, int count, bool transpose, Where where);

// d += a b for a [16, 16] and b [16, 8].
void mma_m16n8k16(Format format, float* d, const uint32_t* a, const uint32_t* b, Where where);

// d += a b for a [16, 8] and b [8, 8].
void mma_m16n8k8_tf32(float* d, const uint32_t* a, const uint32_t* b, Where where);

}  // namespace cutloss::emulated
