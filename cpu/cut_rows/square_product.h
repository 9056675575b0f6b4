// The product of pairs where registers hold squares: 32 lines of 32 columns of sums at a time, of which a step takes a
// square of words of the lines and one of the panel. Both are read where they lie; lines that do not lie at equal
// distances are copied, a square at a time.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/simd/portable.h"

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
      for (int64_t j = 0; j < p.columns; j += kColumns) run(p, lines, j);
    }
  }

 private:
  /// The lines of some sums: those from `rows` on repeat an earlier one and are not written.
  struct Lines {
    const float* from[kRows];
    float* to[kRows];
    int64_t rows;
    int64_t stride;  // of the lines of either square, or 0

    Lines(const Product& p, int64_t first) : rows(p.rows - first < kRows ? p.rows - first : kRows) {
      for (int64_t n = 0; n < kRows; ++n) {
        const int64_t at = first + (n < rows ? n : rows - 1);
        const int64_t line = p.lines ? p.lines[at] : at, place = p.places ? p.places[at] : at;
        from[n] = p.a + line / 2 * p.pair + line % 2 * p.row;
        to[n] = p.to + place * p.stride;
      }
      const int64_t distance = from[1] - from[0];
      bool equal = true;
      for (int64_t n = 1; n < kRows; ++n) equal &= n == kSide || from[n] - from[n - 1] == distance;
      stride = equal ? distance : 0;
    }
  };

  CUTLOSS_INLINE void run(const Product& p, const Lines& lines, int64_t column) {
    alignas(64) float square[kRows][kSide];
    V::clear_sums();
    for (int64_t r = 0; r < p.run_count; ++r) {
      for (int64_t k = p.runs[r].begin; k < p.runs[r].end; k += kSide) {
        if (p.ahead) fetch(*p.ahead);
        const int64_t at = k / kSide * p.step;
        const float* panel = p.panel + k * kPanel + column;
        if (lines.stride) {
          V::multiply_squares(lines.from[0] + at, lines.from[kSide] + at, lines.stride, panel, kPanel);
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
      write_border(sums, p, lines, column);
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

  [[gnu::noinline]] static void write_border(const float (&sums)[kRows][kColumns], const Product& p, const Lines& lines,
                                             int64_t column) {
    for (int64_t i = 0; i < lines.rows; ++i) {
      for (int64_t j = 0; j < kColumns && column + j < p.columns; ++j) {
        float* to = lines.to[i] + column + j;
        *to = p.add ? *to + sums[i][j] : sums[i][j];
      }
    }
  }
};

}  // namespace cutloss::cpu
