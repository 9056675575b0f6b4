#include "cpu/topology/reduction.h"

#include "cpu/topology/bit_column.h"
#include "cpu/topology/poll.h"

namespace cutloss::cpu {
namespace {

constexpr uint64_t kFirstBudget = 40;  // toggles per column
constexpr uint64_t kNextBudget = 4;    // times the last
constexpr uint32_t kAhead = 24;        // columns

/// Which column is paired with a row, and where its reduced form is stored: a count, then rows. Columns to which
/// nothing was added stay in the matrix alone.
struct Owner {
  uint32_t column = kNone;
  uint32_t stored = kNone;
};

class Reduction {
 public:
  Reduction(const SparseSquareMatrix& matrix, const Cancel& cancel) : matrix_(matrix), cancel_(cancel) {}

  /// *finished says whether it took no more than `budget` toggles.
  Status run(uint64_t budget, bool* finished) {
    CUTLOSS_TRY(owners_.allocate(matrix_.size, Owner{}));
    CUTLOSS_TRY(column_.begin(matrix_.size));
    for (uint32_t j = 0; j < matrix_.size; ++j) {
      if (stops_at(j, cancel_)) return cancelled();
      if (j + kAhead < matrix_.size) __builtin_prefetch(&owners_[matrix_.column(j + kAhead)[0]], 1);
      const uint32_t last = matrix_.column(j)[0];
      if (owners_[last].column == kNone) {
        owners_[last].column = j;
        continue;
      }
      if (toggles_ > budget) return {};
      CUTLOSS_TRY(reduce(j, last));
    }
    *finished = true;
    return {};
  }

  /// The column paired with a row.
  uint32_t column_of(uint32_t row) const { return owners_[row].column; }

 private:
  /// Adds earlier columns until the last row is free.
  Status reduce(uint32_t j, uint32_t last) {
    add_unreduced(j);
    while (last != kNone && owners_[last].column != kNone) {
      if (toggles_ >= next_poll_) {
        if (cancel_.requested()) return cancelled();
        next_poll_ = toggles_ + kPoll;
      }
      const Owner owner = owners_[last];
      if (owner.stored == kNone) {
        add_unreduced(owner.column);
      } else {
        add_stored(owner.stored);
      }
      last = column_.last(last);
    }
    if (last == kNone) return failure(Code::kInternal, "Expected a nonsingular matrix");
    owners_[last].column = j;
    return store(last);
  }

  void add_unreduced(uint32_t j) {
    const uint32_t* rows = matrix_.column(j);
    for (int i = 0; i < 4; ++i) {
      if (rows[i] != kNone) column_.toggle(rows[i]);
    }
    toggles_ += 4;
  }

  void add_stored(uint32_t at) {
    const uint32_t* rows = &rows_[at];
    for (uint32_t i = 1; i <= rows[0]; ++i) column_.toggle(rows[i]);
    toggles_ += rows[0];
  }

  /// Moves the column under reduction, from its last row on, to the store.
  Status store(uint32_t last) {
    const uint64_t start = used_++;
    for (uint32_t row = last; row != kNone; row = row > 0 ? column_.last(row - 1) : kNone) {
      if (used_ + 1 > rows_.capacity()) CUTLOSS_TRY(rows_.grow(2 * rows_.capacity() + 4096));
      rows_[used_++] = row;
      column_.remove(row);
    }
    if (used_ > kNone) return failure(Code::kMemory, "Expected fewer than 2^32 rows of reduced columns");
    rows_[start] = uint32_t(used_ - start - 1);
    owners_[last].stored = uint32_t(start);
    return {};
  }

  const SparseSquareMatrix& matrix_;
  const Cancel& cancel_;
  BitColumn column_;
  Buffer<Owner> owners_;   // by row
  Buffer<uint32_t> rows_;  // reduced columns
  uint64_t used_ = 0;
  uint64_t toggles_ = 0;
  uint64_t next_poll_ = 0;
};

/// The mirror in the antidiagonal: row r becomes column size - 1 - r.
Status mirror(const SparseSquareMatrix& matrix, const Cancel& cancel, SparseSquareMatrix* mirrored) {
  const uint32_t size = matrix.size;
  CUTLOSS_TRY(mirrored->reserve(size));
  for (uint64_t i = 0; i < uint64_t{4} * size; ++i) mirrored->entries[i] = kNone;
  for (uint32_t j = 0; j < size; ++j) {
    if (stops_at(j, cancel)) return cancelled();
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

/// One attempt; *finished says whether it stayed within the budget and wrote the pairing.
Status attempt(bool mirrored, const SparseSquareMatrix& matrix, uint64_t budget, const Cancel& cancel, Pairing* pairing,
               bool* finished) {
  SparseSquareMatrix mirror_image;
  if (mirrored) CUTLOSS_TRY(mirror(matrix, cancel, &mirror_image));
  Reduction reduction(mirrored ? mirror_image : matrix, cancel);
  CUTLOSS_TRY(reduction.run(budget, finished));
  if (!*finished) return {};
  mirror_image.entries.free();
  CUTLOSS_TRY(pairing->column_of.allocate(matrix.size));
  CUTLOSS_TRY(pairing->row_of.allocate(matrix.size));
  const uint32_t end = matrix.size - 1;
  for (uint32_t i = 0; i < matrix.size; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    const uint32_t j = reduction.column_of(i);
    const uint32_t row = mirrored ? end - j : i, column = mirrored ? end - i : j;
    pairing->column_of[row] = column;
    pairing->row_of[column] = row;
  }
  return {};
}

}  // namespace

Status pair_rows_and_columns(const SparseSquareMatrix& matrix, const Cancel& cancel, Pairing* pairing) {
  bool finished = matrix.size == 0;
  for (uint64_t budget = kFirstBudget * matrix.size; !finished; budget *= kNextBudget) {
    CUTLOSS_TRY(attempt(false, matrix, budget, cancel, pairing, &finished));
    if (!finished) CUTLOSS_TRY(attempt(true, matrix, budget, cancel, pairing, &finished));
  }
  return {};
}

}  // namespace cutloss::cpu
