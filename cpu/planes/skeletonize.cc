#include "cpu/planes/skeletonize.h"

#include <algorithm>
#include <utility>

#include "math/regions/thinning.h"

namespace cutloss::cpu {

Skeletonizer::Skeletonizer(const PlaneShape& shape, bool flat, Arena* arena)
    : shape_(shape), flat_(flat), rows_(shape.height + 2), columns_(shape.width + 2) {
  inside_ = columns_ + 1 + (flat ? 0 : rows_ * columns_);
  size_ = (flat ? 1 : shape.depth + 2) * rows_ * columns_;
  mask_ = arena->take<uint8_t>(size_);
  marks_ = arena->take<uint8_t>(size_);
}

void Skeletonizer::clear() { std::fill_n(mask_, size_, uint8_t{0}); }

/// Calls visit(index) for every pixel inside, in row-major order.
template <class Visit>
void Skeletonizer::each_pixel(const Visit& visit) const {
  for (int64_t z = 0; z < shape_.depth; ++z) {
    for (int64_t y = 0; y < shape_.height; ++y) {
      const int64_t row = inside_ + (z * rows_ + y) * columns_;
      for (int64_t x = 0; x < shape_.width; ++x) visit(row + x);
    }
  }
}

/// Marked together, pixels go one by one, those that still may: the first may be what holds the next.
template <class StillMay>
bool Skeletonizer::take_marked(const StillMay& still_may) {
  bool any = false;
  each_pixel([&](int64_t i) {
    if (!marks_[i] || !still_may(i)) return;
    mask_[i] = 0;
    any = true;
  });
  return any;
}

void Skeletonizer::thin_2d() {
  const int64_t w = columns_;
  const int64_t clockwise[] = {-w, -w + 1, 1, w + 1, w, w - 1, -1, -w - 1};
  const auto removable = [&](int64_t i, bool first_half) {
    uint32_t around = 0;
    for (int k = 0; k < 8; ++k) around |= uint32_t{mask_[i + clockwise[k]]} << k;
    return math::zhang_suen_removes(around, first_half);
  };
  for (int quiet = 0; quiet < 2;) {
    quiet = 0;
    for (const bool first_half : {true, false}) {
      each_pixel([&](int64_t i) { marks_[i] = mask_[i] && removable(i, first_half); });
      quiet += !take_marked([&](int64_t i) { return removable(i, first_half); });
    }
  }
}

void Skeletonizer::thin_3d() {
  const int64_t row = columns_, slice = rows_ * columns_;
  int64_t steps[27];
  for (int bit = 0; bit < 27; ++bit) steps[bit] = (bit / 9 - 1) * slice + (bit / 3 % 3 - 1) * row + bit % 3 - 1;
  const auto around = [&](int64_t i) {
    uint32_t bits = 0;
    for (int bit = 0; bit < 27; ++bit) bits |= uint32_t{mask_[i + steps[bit]]} << bit;
    return bits;
  };
  for (int quiet = 0; quiet < math::kThinningSides;) {
    quiet = 0;
    for (int k = 0; k < math::kThinningSides; ++k) {
      const int64_t side = math::thinning_side(k, row, slice);
      each_pixel([&](int64_t i) { marks_[i] = mask_[i] && !mask_[i + side] && math::lee_removes(around(i)); });
      quiet += !take_marked([&](int64_t i) { return math::hangs_together(around(i)); });
    }
  }
}

void Skeletonizer::widen(int64_t radius) {
  const int64_t steps[] = {-1, 1, -columns_, columns_, -rows_ * columns_, rows_ * columns_};
  const int directions = flat_ ? 4 : 6;
  for (int64_t round = 0; round < radius; ++round) {
    each_pixel([&](int64_t i) {
      marks_[i] = mask_[i];
      for (int k = 0; k < directions; ++k) marks_[i] |= mask_[i + steps[k]];
    });
    each_pixel([&](int64_t i) { mask_[i] = marks_[i]; });
  }
}

}  // namespace cutloss::cpu
