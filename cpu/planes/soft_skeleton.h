// Soft skeleton of a plane (math/regions/soft_skeleton.h), and its vector-Jacobian product. Where several pixels are
// the least or the largest of a neighbourhood, the first of them in row-major order is the one that a slope goes to.
#pragma once

#include <cstdint>

#include "cpu/workspace.h"
#include "math/regions/soft_skeleton.h"

namespace cutloss::cpu {

using PlaneShape = math::PlaneShape<int64_t>;

class SoftSkeleton {
 public:
  SoftSkeleton(const PlaneShape& shape, int64_t rounds, Arena* arena);

  /// The skeleton of `plane`, which backward() differentiates. Both stay as they are until the next call.
  const float* of(const float* plane);

  /// From slopes by the skeleton to slopes by the plane; they may be the same memory.
  void backward(const float* by_skeleton, float* by_plane);

 private:
  float* eroded(int64_t round) { return eroded_ + (round - 1) * size_; }
  const float* level(int64_t round) { return round == 0 ? plane_ : eroded(round); }
  float* skeleton(int64_t round) { return skeletons_ + round * size_; }
  template <class Line>
  void each_row(const float* from, float* to, const Line& line) const;
  void erode(const float* from, float* to) const;
  void dilate(const float* from, float* to);

  PlaneShape shape_;
  int64_t rounds_, size_;
  const float* plane_ = nullptr;
  float* eroded_;               // [rounds + 1, pixels]: E_1 ...
  float* skeletons_;            // [rounds + 1, pixels]: s_0 ...
  float *opening_, *turn_;      // [pixels]
  float* grown_;                // [pixels], slopes by the skeleton so far
  float *slope_, *next_slope_;  // [pixels], by the level at hand and by the one that it was eroded to
};

}  // namespace cutloss::cpu
