// What the statistics leave of every tile for the filter: the largest z of each row over the classes that a warp holds,
// the target's aside, in 16 bits and never less than it is.
#pragma once

#include "cuda/cut_rows/cut_pass.h"
#include "math/float16.h"

namespace cutloss::cuda {

/// Rounding takes at most half of what is added before it; below its own range a half has but its least number.
__device__ __forceinline__ Half rounded_up(float z) {
  constexpr float kLeast = -65504;
  const float above = z + (fabsf(z) * 0x1p-10f + 0x1p-24f);
  Half up;
  math::narrow(z == -INFINITY ? z : above < kLeast ? kLeast : above, &up);
  return up;
}

/// Of a lane's two rows.
class TileMaximum {
 public:
  __device__ __forceinline__ void offer(int h, float z) { most_[h] = fmaxf(most_[h], z); }

  /// `row` is this lane's first, `column0` the warp's first class.
  __device__ __forceinline__ void store(const CutPass& pass, int64_t row, int64_t column0) const {
    const int64_t at = column0 / warp_columns(pass.path) * pass.request.rows + row;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float most = fmaxf(most_[h], __shfl_xor_sync(~0u, most_[h], 1));
      most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
      if (threadIdx.x % 4 == 0 && row + 8 * h < pass.request.rows) pass.tile_maxima[at + 8 * h] = rounded_up(most);
    }
  }

 private:
  float most_[2] = {-INFINITY, -INFINITY};
};

}  // namespace cutloss::cuda
