// The lines of a register tile of a product, wherever they lie, and the way out of a tile that is not whole.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/simd/portable.h"

namespace cutloss::cpu {

/// Those from `rows` on repeat an earlier one and are not written.
template <class V, int64_t kCount>
struct TileLines {
  const float* from[kCount];
  float* to[kCount];
  int64_t rows;

  [[gnu::always_inline]] TileLines(const Product& p, int64_t first)
      : rows(p.rows - first < kCount ? p.rows - first : kCount) {
    for (int64_t n = 0; n < kCount; ++n) {
      const int64_t at = first + (n < rows ? n : rows - 1);
      const int64_t line = p.lines ? p.lines[at] : at, place = p.places ? p.places[at] : at;
      from[n] = p.a + line / 2 * p.pair + line % 2 * p.row;
      to[n] = p.to + place * p.stride;
    }
  }

  /// Of the sums, whose first column is that one of the product, those that there are.
  template <int64_t kColumns>
  [[gnu::noinline]] void write_border(const float (&sums)[kCount][kColumns], const Product& p, int64_t column) const {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < kColumns && column + j < p.columns; ++j) {
        float* c = to[i] + column + j;
        *c = p.add ? *c + sums[i][j] : sums[i][j];
      }
    }
  }
};

}  // namespace cutloss::cpu
