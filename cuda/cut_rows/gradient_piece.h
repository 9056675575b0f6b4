// From a piece of products to dz, in place, and whether the filter keeps it. The element of the target is left at zero:
// it is added in float where the gradients are written, so no filter and no 16-bit rounding touches it.
#pragma once

#include "cuda/cut_rows/logit_map.h"
#include "cuda/rows/plain_row.h"

namespace cutloss::cuda {

/// softmax * p, for this row's dz.
template <class T>
__device__ __forceinline__ float weighted_softmax(float z, const math::ExpShift& shift) {
  return sizeof(T) == 2 ? math::exp_shifted_16<Scalar>(z, shift) : math::exp_shifted<Scalar>(z, shift);
}

/// `rows` are those of this lane. Returns whether the filter keeps the piece: any dz by z is as large as its row's
/// threshold.
template <class T>
__device__ __forceinline__ bool to_gradient(Piece& c, int column0, const CutRow (&rows)[2], const LogitMap& map,
                                            float scale) {
  map.apply(c, column0);
  const int first = column0 + LogitMap::first_column();
  const bool labels = rows[0].labels != 0 || rows[1].labels != 0;
  bool keeps = false;
#pragma unroll
  for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const int column = first + j * 8 + e;
      const float weight = labels ? map.weight(column) : 0;
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const CutRow& row = rows[h];
        float& value = c[j][2 * h + e];
        const float z = map.caps() ? map.capped(value) : value;
        const bool counts = row.live && column < map.classes() && column != row.target;
        const float softmax = counts ? weighted_softmax<T>(z, row.shift) : 0.f;
        const float label = row.labels == 0 ? 0.f : row.labels * weight;
        const float dz = column == row.target ? 0.f : softmax - label;
        keeps |= !(fabsf(dz) < row.threshold);  // not-a-number is kept
        value = dz == 0 ? 0.f : dz * map.slope(value) * scale;
      }
    }
  }
  return __any_sync(~0u, static_cast<int>(keeps)) != 0;
}

}  // namespace cutloss::cuda
