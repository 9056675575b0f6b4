// Which pixels of a mask its shape can do without: functions of a pixel's neighbours alone.
#pragma once

#include <bit>
#include <cstdint>

#include "math/hd.h"

namespace cutloss::math {

/// Zhang and Suen (1984), 2-D. `around` has a bit per neighbour, clockwise from the one above. In the first half of a
/// round pixels at the lower right and at the upper left corner go, in the second those opposite.
CUTLOSS_HD bool zhang_suen_removes(uint32_t around, bool first_half) {
  const auto has = [=](int neighbour) { return (around >> (neighbour & 7) & 1) != 0; };
  int count = 0, runs = 0;
  for (int k = 0; k < 8; ++k) {
    count += has(k);
    runs += !has(k) && has(k + 1);
  }
  if (count < 2 || count > 6 || runs != 1) return false;
  const bool up = has(0), right = has(2), down = has(4), left = has(6);
  return first_half ? !(up && right && down) && !(right && down && left)
                    : !(up && right && left) && !(up && down && left);
}

// In 3-D the 27 pixels of a neighbourhood are bits, x by x, row by row; the pixel itself is bit 13. All are looked at
// together: a neighbourhood is moved by a pixel, a row or a slice by shifting it.

inline constexpr uint32_t kLeftColumn = 0x1249249, kMiddleColumn = kLeftColumn << 1, kRightColumn = kLeftColumn << 2;
inline constexpr uint32_t kUpperRow = 0x1c0e07, kMiddleRow = kUpperRow << 3, kLowerRow = kUpperRow << 6;
inline constexpr uint32_t kFirstSlice = 0x1ff, kMiddleSlice = kFirstSlice << 9, kLastSlice = kFirstSlice << 18;
inline constexpr uint32_t kCentre = 1u << 13;
/// Of the cells on a cube's sides, those that two axes lead to: its edges, between faces and corners.
inline constexpr uint32_t kEdges = (kMiddleColumn & ~kMiddleRow & ~kMiddleSlice) |
                                   (~kMiddleColumn & kMiddleRow & ~kMiddleSlice & 0x7ffffff) |
                                   (~kMiddleColumn & ~kMiddleRow & kMiddleSlice);

CUTLOSS_HD int count_bits(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __popc(bits);
#else
  return std::popcount(bits);
#endif
}

/// Whether the Euler characteristic of the mask, a union of closed cubes, stays as the pixel goes: with it go its
/// faces, edges and corners that no other cube has. A cell has the place of the neighbour on its side.
CUTLOSS_HD bool keeps_euler_characteristic(uint32_t around) {
  const auto to_sides = [](uint32_t bits, uint32_t middle, int step) {
    const uint32_t inner = bits & middle;
    return bits | inner << step | inner >> step;
  };
  uint32_t shared = around & ~kCentre;
  shared = to_sides(shared, kMiddleColumn, 1);
  shared = to_sides(shared, kMiddleRow, 3);
  shared = to_sides(shared, kMiddleSlice, 9);
  const uint32_t gone = ~shared & 0x7ffffff & ~kCentre;
  return count_bits(gone & ~kEdges) - count_bits(gone & kEdges) == 1;  // the cube itself
}

/// Whether what is around the pixel hangs together without it, pixels at corners touching.
CUTLOSS_HD bool hangs_together(uint32_t around) {
  const auto spread = [](uint32_t bits, uint32_t first, uint32_t last, int step) {
    return bits | (bits & ~last) << step | (bits & ~first) >> step;
  };
  const uint32_t others = around & ~kCentre;
  uint32_t reached = others & (~others + 1);
  for (uint32_t before = 0; before != reached;) {
    before = reached;
    reached = spread(reached, kLeftColumn, kRightColumn, 1);
    reached = spread(reached, kUpperRow, kLowerRow, 3);
    reached = spread(reached, kFirstSlice, kLastSlice, 9) & others;
  }
  return reached == others;
}

/// From which sides pixels are peeled off in turn in 3-D, as the step to what must be empty there; in the order that
/// implementations of this method share.
inline constexpr int kThinningSides = 6;
CUTLOSS_HD int64_t thinning_side(int side, int64_t row, int64_t slice) {
  const int64_t step = side < 2 ? row : side < 4 ? 1 : slice;
  return side == 0 || side == 3 || side == 5 ? -step : step;
}

/// Whether a pixel at the mask's edge may go in 3-D, as far as the mask around it tells: it is no end of a line.
CUTLOSS_HD bool lee_removes(uint32_t around) {
  const bool is_end = count_bits(around) == 2;  // itself and one neighbour
  return !is_end && keeps_euler_characteristic(around) && hangs_together(around);
}

}  // namespace cutloss::math
