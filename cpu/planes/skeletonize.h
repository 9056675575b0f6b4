// Skeletons of masks, as thin as they get without breaking: Zhang and Suen (1984) in 2-D, Lee, Kashyap and Chu (1994)
// in 3-D. Pixels that the shape does not need are peeled off from one side after the other, until none is left to take.
#pragma once

#include <cstdint>

#include "cpu/planes/soft_skeleton.h"

namespace cutloss::cpu {

/// A mask of 0 and 1 with a border of 0 around it, so that every pixel has all neighbours.
class Skeletonizer {
 public:
  /// In 2-D `flat`, whatever the depth says.
  Skeletonizer(const PlaneShape& shape, bool flat, Arena* arena);

  int64_t pixels() const { return shape_.pixels(); }
  uint8_t& at(int64_t z, int64_t y, int64_t x) { return mask_[inside_ + (z * rows_ + y) * columns_ + x]; }

  void clear();
  /// Leaves the skeleton in place of the mask.
  void thin() { flat_ ? thin_2d() : thin_3d(); }
  /// Makes everything within `radius` steps along the axes of the mask part of it.
  void widen(int64_t radius);

 private:
  void thin_2d();
  void thin_3d();
  template <class Visit>
  void each_pixel(const Visit& visit) const;
  template <class StillMay>
  bool take_marked(const StillMay& still_may);

  PlaneShape shape_;
  bool flat_;
  int64_t rows_, columns_, inside_, size_;
  uint8_t *mask_, *marks_;  // [depth + 2, height + 2, width + 2], or without depth
};

}  // namespace cutloss::cpu
