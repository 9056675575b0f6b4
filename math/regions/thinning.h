// Which pixels of a mask its shape can do without: functions of a pixel's neighbours alone.
#pragma once

#include <bit>
#include <cstdint>

namespace cutloss::math {

/// Zhang and Suen (1984), 2-D. `around` has a bit per neighbour, clockwise from the one above. In the first half of a
/// round pixels at the lower right and at the upper left corner go, in the second those opposite.
inline bool zhang_suen_removes(uint32_t around, bool first_half) {
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

// In 3-D the 27 pixels of a neighbourhood are bits, in row-major order; the pixel itself is bit 13.

struct Step {
  int z, y, x;
  static constexpr Step of(int bit) { return {bit / 9 - 1, bit / 3 % 3 - 1, bit % 3 - 1}; }
  constexpr int axes() const { return (z != 0) + (y != 0) + (x != 0); }
};

/// For every neighbour, as the cell of the pixel on its side (a face, an edge or a corner), the other cubes that have
/// it too; and as a pixel, those that it touches.
struct Neighbourhood {
  uint32_t sharing[27] = {};
  uint32_t touching[27] = {};

  constexpr Neighbourhood() {
    for (int bit = 0; bit < 27; ++bit) {
      for (int other = 0; other < 27; ++other) {
        const Step own = Step::of(bit), at = Step::of(other);
        const auto on_side = [](int cell, int cube) { return cube == 0 || cube == cell; };
        const auto near = [](int a, int b) { return a - b <= 1 && b - a <= 1; };
        const uint32_t one = uint32_t{1} << other;
        if (other != 13 && on_side(own.z, at.z) && on_side(own.y, at.y) && on_side(own.x, at.x)) sharing[bit] |= one;
        if (near(own.z, at.z) && near(own.y, at.y) && near(own.x, at.x)) touching[bit] |= one;
      }
    }
  }
};
inline constexpr Neighbourhood kNeighbourhood;

/// Whether the Euler characteristic of the mask, a union of closed cubes, stays as the pixel goes: with it go its
/// faces, edges and corners that no other cube has.
inline bool keeps_euler_characteristic(uint32_t around) {
  int gone = -1;  // the cube itself
  for (int bit = 0; bit < 27; ++bit) {
    if (bit != 13 && !(around & kNeighbourhood.sharing[bit])) gone += Step::of(bit).axes() == 2 ? -1 : 1;
  }
  return gone == 0;
}

/// Whether what is around the pixel hangs together without it, pixels at corners touching.
inline bool hangs_together(uint32_t around) {
  const uint32_t others = around & ~(uint32_t{1} << 13);
  uint32_t reached = others & (~others + 1);
  for (uint32_t fresh = reached; fresh;) {
    const uint32_t touched = others & kNeighbourhood.touching[std::countr_zero(fresh)] & ~reached;
    fresh = (fresh & (fresh - 1)) | touched;
    reached |= touched;
  }
  return reached == others;
}

}  // namespace cutloss::math
