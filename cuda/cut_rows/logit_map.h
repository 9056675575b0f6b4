// From a fragment of products to logits, in place. A fragment is what a warp holds of mma.sync's and wgmma's results
// alike: 16 rows, eight columns per block j, and c[j][2 h + e] is row lane / 4 + 8 h, column 8 j + lane % 4 * 2 + e.
// All loss arithmetic on tiles is written on it, once for both paths.
#pragma once

#include "cuda/cut_rows/cut_pass.h"
#include "cuda/ptx/math.h"
#include "math/tanh.h"

namespace cutloss::cuda {

inline constexpr int kPieceBlocks = kPieceClasses / 8;
using Piece = float[kPieceBlocks][4];

inline constexpr float kLog2E = 1.44269504f;

class LogitMap {
 public:
  /// Reads the formula where it lies: among a kernel's parameters it costs no registers.
  __device__ explicit LogitMap(const LogitFormula& formula) : f_(formula) {}

  __device__ int classes() const { return f_.classes; }
  __device__ bool caps() const { return f_.softcap != 0; }

  __device__ static int first_column() { return threadIdx.x % 4 * 2; }

  /// product / temperature + bias; -inf behind the last class.
  __device__ __forceinline__ void apply(Piece& c, int column0) const {
    const int first = column0 + first_column();
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = first + j * 8 + e;
        const float shift = f_.bias && column < f_.classes ? f_.bias[column] : 0;
#pragma unroll
        for (int h = 0; h < 2; ++h) c[j][2 * h + e] = fmaf(c[j][2 * h + e], f_.inverse_temperature, shift);
      }
    }
    mask(c, column0);
  }

  __device__ __forceinline__ void cap(Piece& c, int column0) const {
    if (f_.softcap == 0) return;
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) c[j][k] = capped(c[j][k]);
    }
    mask(c, column0);
  }

  __device__ __forceinline__ float capped(float logit) const {
    const math::Fraction tanh = math::tanh_fraction(logit * f_.inverse_softcap);
    return f_.softcap * (tanh.numerator * ptx::rcp_approx(tanh.denominator));
  }

  /// d capped / d logit, which keeps its precision where the cap is reached.
  __device__ __forceinline__ float slope(float logit) const {
    if (f_.softcap == 0) return 1;
    const float e = ptx::exp2_approx(-2 * kLog2E * fabsf(logit * f_.inverse_softcap));
    const float inverse = ptx::rcp_approx(1 + e);
    return 4 * e * inverse * inverse;
  }

  __device__ __forceinline__ float weight(int column) const {
    return column >= f_.classes ? 0 : f_.class_weights ? f_.class_weights[column] : 1;
  }

 private:
  __device__ __forceinline__ void mask(Piece& c, int column0) const {
    if (column0 + kPieceBlocks * 8 <= f_.classes) return;
    const int first = column0 + first_column();
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (first + j * 8 + k % 2 >= f_.classes) c[j][k] = -INFINITY;
      }
    }
  }

  const LogitFormula& f_;
};

/// Element (row half h, column) of this lane's, where `column` counts from the piece's first; visit(element) is
/// called if this lane holds it. The search is short because few lanes ever get past the first line.
template <class Visit>
__device__ __forceinline__ void visit_element(Piece& c, int h, int column, const Visit& visit) {
  if (column < 0 || column >= kPieceBlocks * 8 || (column & 6) != LogitMap::first_column()) return;
#pragma unroll
  for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      if (column == j * 8 + LogitMap::first_column() + e) visit(c[j][2 * h + e]);
    }
  }
}

}  // namespace cutloss::cuda
