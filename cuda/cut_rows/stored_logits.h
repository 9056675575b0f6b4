// Products that the pass for statistics leaves for the gradient, fragment by fragment; and pairs of numbers in any
// storage type. The memory of products has room for whole tiles of classes.
#pragma once

#include "cuda/cut_rows/logit_map.h"
#include "math/float16.h"

namespace cutloss::cuda {

/// Two neighbours. The first lies at an even place of a line that begins on 16 bytes.
__device__ __forceinline__ void store_pair(float* to, float x, float y) {
  *reinterpret_cast<float2*>(to) = make_float2(x, y);
}
__device__ __forceinline__ void store_pair(BFloat16* to, float x, float y) {
  *reinterpret_cast<uint32_t*>(to) = ptx::pack_bf16(x, y);
}
__device__ __forceinline__ void store_pair(Half* to, float x, float y) {
  *reinterpret_cast<uint32_t*>(to) = ptx::pack_f16(x, y);
}

__device__ __forceinline__ float* stored_logits(const CutPass& pass, int64_t row, int64_t column0) {
  return pass.logits + row * pass.logits_stride + column0 + LogitMap::first_column();
}

/// `row` is this lane's first.
__device__ __forceinline__ void store_logits(const CutPass& pass, const Piece& c, int64_t row, int64_t column0) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    if (row + 8 * h >= pass.request.rows) continue;
    float* to = stored_logits(pass, row + 8 * h, column0);
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) store_pair(to + j * 8, c[j][2 * h], c[j][2 * h + 1]);
  }
}

__device__ __forceinline__ void load_logits(const CutPass& pass, Piece& c, int64_t row, int64_t column0) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const bool there = row + 8 * h < pass.request.rows;
    const float* from = stored_logits(pass, there ? row + 8 * h : 0, column0);
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
      const float2 pair = there ? *reinterpret_cast<const float2*>(from + j * 8) : make_float2(0, 0);
      c[j][2 * h] = pair.x;
      c[j][2 * h + 1] = pair.y;
    }
  }
}

}  // namespace cutloss::cuda
