#include "cpu/topology/reduction.h"

#include "cpu/topology/bit_column.h"

namespace cutloss::cpu {
namespace {

constexpr uint64_t kFirstBudget = 10;  // toggles per column
constexpr uint64_t kNextBudget = 4;    // times the last
constexpr uint32_t kPoll = 1 << 14;    // columns
constexpr uint32_t kAhead = 24;        // columns

/// Reduced columns, each a count and its rows. Those that were never added to stay in the matrix alone.
class StoredColumns {
 public:
  Status begin(uint32_t columns) {
    used_ = 0;
    return starts_.allocate(columns, kNone);
  }
  /// Moves what is in the column under reduction, from its last row on, to the store.
  Status store(uint32_t number, uint32_t last, BitColumn& column) {
    const uint64_t start = used_++;
    for (uint32_t row = last; row != kNone; row = row > 0 ? column.last(row - 1) : kNone) {
      if (used_ + 1 > rows_.capacity()) CUTLOSS_TRY(rows_.grow(2 * rows_.capacity() + 4096));
      rows_[used_++] = row;
      column.remove(row);
    }
    if (used_ > kNone) return failure(Code::kMemory, "Expected fewer than 2^32 rows of reduced columns");
    rows_[start] = uint32_t(used_ - start - 1);
    starts_[number] = uint32_t(start);
    return {};
  }
  /// The stored column: a count, then rows. Null if the column is as it was in the matrix.
  const uint32_t* find(uint32_t number) const { return starts_[number] == kNone ? nullptr : &rows_[starts_[number]]; }

 private:
  Buffer<uint32_t> rows_;
  Buffer<uint32_t> starts_;
  uint64_t used_ = 0;
};

class Reduction {
 public:
  Reduction(const SparseSquareMatrix& matrix, const Cancel& cancel, Pairing* pairing)
      : matrix_(matrix), cancel_(cancel), pairing_(*pairing) {}

  /// *finished says whether it took no more than `budget` toggles.
  Status run(uint64_t budget, bool* finished) {
    const uint32_t size = matrix_.size;
    CUTLOSS_TRY(pairing_.column_of.allocate(size, kNone));
    CUTLOSS_TRY(pairing_.row_of.allocate(size));
    CUTLOSS_TRY(column_.begin(size));
    CUTLOSS_TRY(stored_.begin(size));
    uint64_t toggles = 0;
    for (uint32_t j = 0; j < size; ++j) {
      if (j % kPoll == 0 && cancel_.requested()) return cancelled();
      if (j + kAhead < size) __builtin_prefetch(&pairing_.column_of[matrix_.column(j + kAhead)[0]], 1);
      const uint32_t last = matrix_.column(j)[0];
      if (pairing_.column_of[last] == kNone) {
        pair(last, j);
        continue;
      }
      if (toggles > budget) return {};
      CUTLOSS_TRY(reduce(j, last, &toggles));
    }
    *finished = true;
    return {};
  }

 private:
  void pair(uint32_t row, uint32_t column) {
    pairing_.column_of[row] = column;
    pairing_.row_of[column] = row;
  }

  /// Adds earlier columns until the last row is free.
  Status reduce(uint32_t j, uint32_t last, uint64_t* toggles) {
    *toggles += add_unreduced(j);
    for (;;) {
      if (last == kNone) return failure(Code::kInternal, "Expected a nonsingular matrix");
      const uint32_t owner = pairing_.column_of[last];
      if (owner == kNone) break;
      const uint32_t* rows = stored_.find(owner);
      if (rows) {
        for (uint32_t i = 1; i <= rows[0]; ++i) column_.toggle(rows[i]);
        *toggles += rows[0];
      } else {
        *toggles += add_unreduced(owner);
      }
      last = column_.last(last);
    }
    pair(last, j);
    return stored_.store(j, last, column_);
  }

  int add_unreduced(uint32_t j) {
    const uint32_t* rows = matrix_.column(j);
    for (int i = 0; i < 4; ++i) {
      if (rows[i] != kNone) column_.toggle(rows[i]);
    }
    return 4;
  }

  const SparseSquareMatrix& matrix_;
  const Cancel& cancel_;
  Pairing& pairing_;
  BitColumn column_;
  StoredColumns stored_;
};

/// The mirror in the antidiagonal: row r becomes column size - 1 - r.
Status mirror(const SparseSquareMatrix& matrix, SparseSquareMatrix* mirrored) {
  const uint32_t size = matrix.size;
  CUTLOSS_TRY(mirrored->reserve(size));
  for (uint64_t i = 0; i < uint64_t{4} * size; ++i) mirrored->entries[i] = kNone;
  for (uint32_t j = 0; j < size; ++j) {
    for (int i = 0; i < 4; ++i) {
      const uint32_t row = matrix.column(j)[i];
      if (row == kNone) continue;
      uint32_t* column = mirrored->column(size - 1 - row);
      while (*column != kNone) ++column;
      *column = size - 1 - j;
    }
  }
  for (uint32_t j = 0; j < size; ++j) last_row_first(mirrored->column(j));
  return {};
}

Status attempt(Attempt which, const SparseSquareMatrix& matrix, uint64_t budget, const Cancel& cancel, Pairing* pairing,
               bool* finished) {
  if (which == Attempt::kColumns) return Reduction(matrix, cancel, pairing).run(budget, finished);
  SparseSquareMatrix mirrored;
  Pairing mirrored_pairing;
  CUTLOSS_TRY(mirror(matrix, &mirrored));
  CUTLOSS_TRY(Reduction(mirrored, cancel, &mirrored_pairing).run(budget, finished));
  if (!*finished) return {};
  const uint32_t end = matrix.size - 1;
  CUTLOSS_TRY(pairing->column_of.allocate(matrix.size));
  CUTLOSS_TRY(pairing->row_of.allocate(matrix.size));
  for (uint32_t j = 0; j < matrix.size; ++j) {
    const uint32_t row = end - j, column = end - mirrored_pairing.row_of[j];
    pairing->column_of[row] = column;
    pairing->row_of[column] = row;
  }
  return {};
}

}  // namespace

Status pair_rows_and_columns(const SparseSquareMatrix& matrix, Attempt first, const Cancel& cancel, Pairing* pairing) {
  Attempt next = first;
  bool finished = matrix.size == 0;
  for (uint64_t budget = kFirstBudget * matrix.size; !finished; budget *= kNextBudget) {
    CUTLOSS_TRY(attempt(next, matrix, budget, cancel, pairing, &finished));
    if (finished) break;
    next = next == Attempt::kColumns ? Attempt::kMirror : Attempt::kColumns;
    CUTLOSS_TRY(attempt(next, matrix, budget, cancel, pairing, &finished));
    next = first;
  }
  return {};
}

}  // namespace cutloss::cpu
