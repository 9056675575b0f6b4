// The product of pairs where registers hold squares: 32 lines of 32 columns of sums at a time, of which a step takes a
// square of words of the lines and one of the panel. Both are read where they lie; lines that do not lie at equal
// distances are copied, a square at a time.
#pragma once

#include "cpu/cut_rows/tile_lines.h"

namespace cutloss::cpu {

template <class V>
struct SquareProduct {
  static constexpr int64_t kSide = V::kSide, kRows = 2 * kSide, kColumns = 2 * kSide;
  static constexpr int64_t kPanel = V::kTileVectors * V::kLanes;
  static constexpr WordGroups kGroups = {true, kSide};
  static_assert(kPanel % kColumns == 0 && kSide == V::kLanes);

  static void enter() { V::enter(); }
  static void leave() { V::leave(); }
  static void multiply(const Product& p) {
    for (int64_t i = 0; i < p.rows; i += kRows) {
      const Lines lines(p, i);
      const int64_t stride = stride_of(lines);
      for (int64_t j = 0; j < p.columns; j += kColumns) run(p, lines, stride, j);
    }
  }

 private:
  using Lines = TileLines<V, kRows>;

  /// From one of the lines of either square to the next, or 0 where that differs.
  static int64_t stride_of(const Lines& lines) {
    const auto& from = lines.from;
    bool equal = true;
    for (int64_t n = 1; n < kRows; ++n) equal &= n == kSide || from[n] - from[n - 1] == from[1] - from[0];
    return equal ? from[1] - from[0] : 0;
  }

  CUTLOSS_INLINE void run(const Product& p, const Lines& lines, int64_t stride, int64_t column) {
    alignas(64) float square[kRows][kSide];
    V::clear_sums();
    for (int64_t r = 0; r < p.run_count; ++r) {
      for (int64_t k = p.runs[r].begin; k < p.runs[r].end; k += kSide) {
        if (p.ahead) fetch(*p.ahead);
        const int64_t at = k / kSide * p.step;
        const float* panel = p.panel + k * kPanel + column;
        if (stride != 0) {
          V::multiply_squares(lines.from[0] + at, lines.from[kSide] + at, stride, panel, kPanel);
        } else {
          for (int64_t i = 0; i < kRows; ++i) V::store(square[i], V::load(lines.from[i] + at));
          V::order_memory();
          V::multiply_squares(square[0], square[kSide], kSide, panel, kPanel);
          V::order_memory();
        }
      }
    }
    write(p, lines, column);
  }

  /// What is due within a step, which takes as many words of two vectors as otherwise of a panel.
  CUTLOSS_INLINE void fetch(Ahead& ahead) {
    for (int64_t k = 0; k < kSide * kColumns; k += ahead.every() * kPanel) ahead.fetch();
  }

  CUTLOSS_INLINE void write(const Product& p, const Lines& lines, int64_t column) {
    const bool whole = lines.rows == kRows && p.columns - column >= kColumns;
    if (whole && !p.add && !p.places) {
      V::store_sums(lines.to[0] + column, lines.to[kSide] + column, p.stride);
      return;
    }
    alignas(64) float sums[kRows][kColumns];
    V::store_sums(sums[0], sums[kSide], kColumns);
    if (!whole) {
      lines.write_border(sums, p, column);
      return;
    }
    for (int64_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int64_t j = 0; j < kColumns; j += kSide) {
        float* to = lines.to[i] + column + j;
        V::store(to, p.add ? V::load(to) + V::load(sums[i] + j) : V::load(sums[i] + j));
      }
    }
  }
};

}  // namespace cutloss::cpu
