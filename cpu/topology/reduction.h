// Which row is paired with which column of a square, nonsingular 0/1 matrix when its columns are reduced from left to
// right over Z/2: the last row of each reduced column. The matrix and its mirror in the antidiagonal have the same
// pairs (cohomology), but the work may differ a thousandfold, and which is less nobody knows beforehand. So both are
// tried in turn, each for longer than the last.
#pragma once

#include <algorithm>

#include "cpu/topology/bars.h"
#include "engine/engine.h"

namespace cutloss::cpu {

/// A matrix of at most four rows in a column and four columns in a row, read column by column as it is, or as its
/// mirror: there, row i is column size - 1 - i, and column j row size - 1 - j. Columns are made when they are asked
/// for, mostly once and in order.
class SquareMatrix {
 public:
  explicit SquareMatrix(uint32_t size) : size(size) {}

  /// Before anything is read of the matrix or of its mirror.
  virtual Status begin(bool mirrored) = 0;
  /// Writes the rows of a column, counted from 1, the last first, and 0 where there are fewer than four.
  virtual void read(uint32_t column, uint32_t* rows) const = 0;
  virtual void read_mirrored(uint32_t column, uint32_t* rows) const = 0;

  const uint32_t size;

 protected:
  ~SquareMatrix() = default;
};

/// What is paired with what, either way; null where it is not wanted.
struct Pairing {
  Buffer<uint32_t>* column_of;  // [size], by row
  Buffer<uint32_t>* row_of;     // [size], by column
};

/// `mirror_first`: the mirror is likely less work.
Status pair_rows_and_columns(SquareMatrix& matrix, bool mirror_first, const Cancel& cancel, const Pairing& pairing);

/// Puts the rows of a column in order, the last first. Nobody could foresee it, so there is no branch.
inline void last_rows_first(uint32_t* rows) {
  constexpr int kSwaps[5][2] = {{0, 1}, {2, 3}, {0, 2}, {1, 3}, {1, 2}};
  for (const auto& [i, j] : kSwaps) {
    const uint32_t a = rows[i], b = rows[j];
    rows[i] = std::max(a, b);
    rows[j] = std::min(a, b);
  }
}

}  // namespace cutloss::cpu
