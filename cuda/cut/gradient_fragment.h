// From a fragment of products to dz, in place, and which of its pieces the filter keeps. The element of the target is
// left at zero: it is added in float where the gradients are written, so no filter and no 16-bit rounding touches it.
#pragma once

#include "cuda/cut/logit_map.h"
#include "cuda/rows/plain_row.h"

namespace cutloss::cuda {

/// softmax * p, for this row's dz.
template <class T>
__device__ __forceinline__ float weighted_softmax(float z, const math::ExpShift& shift) {
  return sizeof(T) == 2 ? math::exp_shifted_16<Scalar>(z, shift) : math::exp_shifted<Scalar>(z, shift);
}

/// `rows` are those of this lane. Bit p of the result: piece p (eight blocks of the fragment) holds a softmax of eps or
/// more, in any lane of the warp.
template <class T, int kBlocks>
__device__ __forceinline__ uint32_t to_gradient(float (&c)[kBlocks][4], int column0, const CutRow (&rows)[2],
                                                const LogitMap& map, float scale) {
  constexpr int kPieceBlocks = kPieceClasses / 8;
  static_assert(kBlocks % kPieceBlocks == 0, "a fragment is whole pieces");
  map.apply(c, column0);
  const int first = column0 + LogitMap::first_column();
  uint32_t kept = 0;
#pragma unroll
  for (int j = 0; j < kBlocks; ++j) {
    bool keeps = false;
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const int column = first + j * 8 + e;
      const float weight = rows[0].labels == 0 && rows[1].labels == 0 ? 0 : map.weight(column);
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const CutRow& row = rows[h];
        float& value = c[j][2 * h + e];
        const bool inside = column < map.classes;
        const float z = map.softcap == 0 ? value : map.capped(value);
        const float softmax = row.live && inside && column != row.target ? weighted_softmax<T>(z, row.shift) : 0.f;
        keeps |= !(fabsf(softmax) < row.threshold);  // not-a-number is kept
        const float dz = column == row.target ? 0.f : softmax - row.labels * weight;
        value = dz * map.slope(value) * scale;
      }
    }
    kept |= static_cast<uint32_t>(keeps) << j / kPieceBlocks;
  }
#pragma unroll
  for (int p = 0; p < kBlocks / kPieceBlocks; ++p) {
    const bool here = __any_sync(~0u, static_cast<int>(kept >> p & 1)) != 0;
    kept = (kept & ~(1u << p)) | static_cast<uint32_t>(here) << p;
  }
  return kept;
}

}  // namespace cutloss::cuda
