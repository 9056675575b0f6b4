// Softmax of a row in float, as it stands: one walk for maximum and sum, one for the gradient. The exponential is the
// CPU's (math/exp.h), below 2 half-units in the last place; the hardware's own is good enough for results of 16 bits
// only. Sums of one load meet in double, so that a thread that holds the largest term does not round the small ones
// away.
#pragma once

#include "cuda/rows/row_access.h"
#include "cuda/scalar.h"
#include "math/exp.h"
#include "math/rows/softmax.h"

namespace cutloss::cuda {

/// Pairwise, so that few roundings come together in one sum.
template <int kCount>
__device__ __forceinline__ float sum_of(const float (&x)[kCount]) {
  float sums[kCount];
#pragma unroll
  for (int k = 0; k < kCount; ++k) sums[k] = x[k];
#pragma unroll
  for (int width = kCount / 2; width > 0; width /= 2) {
#pragma unroll
    for (int k = 0; k < width; ++k) sums[k] += sums[k + width];
  }
  return sums[0];
}

/// One thread's part of a row. Its exponentials are of z - reference; any reference will do that is no further than 64
/// below the maximum, so it is set once for almost every row. Not-a-number hides from the maximum, not from the sum.
class PlainSum {
 public:
  template <int kCount>
  __device__ __forceinline__ void add(const float (&z)[kCount]) {
    float most = z[0];
#pragma unroll
    for (int k = 1; k < kCount; ++k) most = fmaxf(most, z[k]);
    max_ = fmaxf(max_, most);
    if (most > reference_ + 64) refer_to(most);
    float terms[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) terms[k] = math::exp_shifted<ScalarTerm>(z[k], shift_);
    sum_ += sum_of(terms);
  }

  __device__ math::RowStatistics together(Team& team) const {
    const float most = team.max(max_);
    const double sum = team.sum(sum_ == 0 ? 0 : sum_ * exp(static_cast<double>(reference_) - most));
    return {most, sum, 0, 0, 0};
  }

 private:
  __device__ void refer_to(float most) {
    sum_ *= sum_ == 0 ? 0 : exp(static_cast<double>(reference_) - most);
    reference_ = most;
    shift_ = math::ExpShift::of(most, most, 0, 1);
  }

  static constexpr float kNothing = -INFINITY;
  float max_ = kNothing, reference_ = kNothing;
  double sum_ = 0;
  math::ExpShift shift_ = {0, -1000, 0, 0, 0, 0, 1};  // exp(z), which is zero for -inf
};

/// Maximum and sum over the row without `target` (< 0: none).
template <class T>
__device__ math::RowStatistics plain_statistics(const T* row, int64_t count, int64_t target, Team& team) {
  PlainSum sum;
  read_row(row, count, team, [&]<int kCount>(float(&z)[kCount], int64_t at) {
    replace_element(z, at, target, -INFINITY);
    sum.add(z);
  });
  return sum.together(team);
}

/// dz = softmax * p, but for the target, whose element is given.
template <class T>
__device__ void plain_gradient(const T* row, T* gradient, int64_t count, int64_t target,
                               const math::RowOutcome& outcome, const math::ExpShift& shift, const Team& team) {
  const bool flat = outcome.softmax == 0;  // where `shift` means nothing
  const float target_element = static_cast<float>(outcome.target);
  write_row(row, gradient, count, team, [&]<int kCount>(float(&values)[kCount], int64_t at) {
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      const float dz =
          sizeof(T) == 2 ? math::exp_shifted_16<Scalar>(values[k], shift) : math::exp_shifted<Scalar>(values[k], shift);
      values[k] = flat ? 0 : dz;
    }
    replace_element(values, at, target, target_element);
  });
}

}  // namespace cutloss::cuda
