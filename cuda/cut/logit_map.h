// From a fragment of products to logits, in place. A fragment is what a warp holds of mma.sync's and wgmma's results
// alike: 16 rows, eight columns per block j, and c[j][2 h + e] is row lane / 4 + 8 h, column 8 j + lane % 4 * 2 + e.
// All loss arithmetic on tiles is written on it, once for both paths.
#pragma once

#include "cuda/cut/cut_pass.h"
#include "cuda/ptx/math.h"
#include "math/tanh.h"

namespace cutloss::cuda {

inline constexpr float kLog2E = 1.44269504f;

struct LogitMap : LogitFormula {
  __device__ explicit LogitMap(const LogitFormula& formula) : LogitFormula(formula) {}

  __device__ static int first_column() { return threadIdx.x % 4 * 2; }

  /// (product + bias) / temperature; -inf behind the last class.
  template <int kBlocks>
  __device__ __forceinline__ void apply(float (&c)[kBlocks][4], int column0) const {
    const int first = column0 + first_column();
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = first + j * 8 + e;
        const float shift = bias && column < classes ? bias[column] : 0;
#pragma unroll
        for (int h = 0; h < 2; ++h) c[j][2 * h + e] = fmaf(c[j][2 * h + e], inverse_temperature, shift);
      }
    }
    mask(c, column0);
  }

  template <int kBlocks>
  __device__ __forceinline__ void cap(float (&c)[kBlocks][4], int column0) const {
    if (softcap == 0) return;
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) c[j][k] = capped(c[j][k]);
    }
    mask(c, column0);
  }

  __device__ __forceinline__ float capped(float logit) const {
    const math::Fraction tanh = math::tanh_fraction(logit * inverse_softcap);
    return softcap * (tanh.numerator * ptx::rcp_approx(tanh.denominator));
  }

  /// d capped / d logit, which keeps its precision where the cap is reached.
  __device__ __forceinline__ float slope(float logit) const {
    if (softcap == 0) return 1;
    const float e = ptx::exp2_approx(-2 * kLog2E * fabsf(logit * inverse_softcap));
    const float inverse = ptx::rcp_approx(1 + e);
    return 4 * e * inverse * inverse;
  }

  __device__ __forceinline__ float weight(int column) const {
    return column >= classes ? 0 : class_weights ? class_weights[column] : 1;
  }

 private:
  template <int kBlocks>
  __device__ __forceinline__ void mask(float (&c)[kBlocks][4], int column0) const {
    if (column0 + kBlocks * 8 <= classes) return;
    const int first = column0 + first_column();
#pragma unroll
    for (int j = 0; j < kBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (first + j * 8 + k % 2 >= classes) c[j][k] = -INFINITY;
      }
    }
  }
};

/// Element (row half h, column) of this lane's, where `column` counts from the fragment's first; visit(element) is
/// called if this lane holds it. The search is short because few lanes ever get past the first line.
template <int kBlocks, class Visit>
__device__ __forceinline__ void visit_element(float (&c)[kBlocks][4], int h, int column, const Visit& visit) {
  if (column < 0 || column >= kBlocks * 8 || (column & 6) != LogitMap::first_column()) return;
#pragma unroll
  for (int j = 0; j < kBlocks; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      if (column == j * 8 + LogitMap::first_column() + e) visit(c[j][2 * h + e]);
    }
  }
}

}  // namespace cutloss::cuda
