#include "cpu/topology/reduction.h"

#include <algorithm>

#include "cpu/topology/bit_column.h"
#include "cpu/topology/poll.h"

namespace cutloss::cpu {
namespace {

constexpr uint64_t kFirstBudget = 40;  // toggles per column
constexpr uint64_t kNextBudget = 4;    // times the last
constexpr uint32_t kAhead = 32;        // columns
constexpr uint32_t kStored = kNone - 1;

/// Which column is paired with a row, and what it is: the other rows of a column to which nothing was added, or kStored
/// and where the reduced form lies, which is a count and then rows, and the second of these rows. All of it in one
/// place, since every addition begins with a look at a row that nobody could foresee.
struct Owner {
  uint32_t column = kNone;
  uint32_t others[3] = {kNone, kNone, kNone};
};

class Reduction {
 public:
  Reduction(const SquareMatrix& matrix, bool mirrored, const Cancel& cancel)
      : matrix_(matrix), mirrored_(mirrored), cancel_(cancel) {}

  /// *finished says whether it took no more than `budget` toggles.
  Status run(uint64_t budget, bool* finished) {
    CUTLOSS_TRY(owners_.allocate(matrix_.size, Owner{}));
    CUTLOSS_TRY(column_.begin(matrix_.size));
    for (uint32_t j = 0; j < kAhead && j < matrix_.size; ++j) read_ahead(j);
    for (uint32_t j = 0; j < matrix_.size; ++j) {
      if (stops_at(j, cancel_)) return cancelled();
      uint32_t rows[4];
      std::copy_n(ahead_[j % kAhead], 4, rows);
      if (j + kAhead < matrix_.size) read_ahead(j + kAhead);
      if (rows[0] == kNone) return singular();
      Owner& owner = owners_[rows[0]];
      if (owner.column == kNone) {
        owner = {j, {rows[1], rows[2], rows[3]}};
        continue;
      }
      if (toggles_ > budget) return {};
      CUTLOSS_TRY(reduce(j, rows));
    }
    *finished = true;
    return {};
  }

  /// The column paired with a row.
  uint32_t column_of(uint32_t row) const { return owners_[row].column; }

 private:
  static Status singular() { return failure(Code::kInternal, "Expected a nonsingular matrix"); }

  void read_ahead(uint32_t j) {
    uint32_t* rows = ahead_[j % kAhead];
    if (mirrored_) {
      matrix_.read_mirrored(j, rows);
    } else {
      matrix_.read(j, rows);
    }
    if (rows[0] != kNone) __builtin_prefetch(&owners_[rows[0]], 1);
  }

  /// Adds earlier columns until the last row is free.
  Status reduce(uint32_t j, const uint32_t* rows) {
    uint32_t last = rows[0];
    column_.toggle(last);
    add_others(rows + 1);
    while (last != kNone && owners_[last].column != kNone) {
      if (toggles_ >= next_poll_) {
        if (cancel_.requested()) return cancelled();
        next_poll_ = toggles_ + kPoll;
      }
      const Owner& owner = owners_[last];
      if (owner.others[0] == kStored) {
        if (owner.others[2] != kNone) __builtin_prefetch(&owners_[owner.others[2]]);
        add_stored(owner.others[1]);
      } else {
        column_.toggle(last);
        add_others(owner.others);
      }
      last = column_.last(last);
    }
    if (last == kNone) return singular();
    owners_[last].column = j;
    return store(last);
  }

  void add_others(const uint32_t* others) {
    for (int i = 0; i < 3; ++i) {
      if (others[i] == kNone) continue;
      __builtin_prefetch(&owners_[others[i]]);  // it may be the last row soon
      column_.toggle(others[i]);
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
    Owner& owner = owners_[last];
    owner.others[0] = kStored;
    owner.others[1] = uint32_t(start);
    owner.others[2] = rows_[start] > 1 ? rows_[start + 2] : kNone;
    return {};
  }

  const SquareMatrix& matrix_;
  const bool mirrored_;
  const Cancel& cancel_;
  BitColumn column_;
  Buffer<Owner> owners_;   // by row
  Buffer<uint32_t> rows_;  // reduced columns
  uint32_t ahead_[kAhead][4];
  uint64_t used_ = 0;
  uint64_t toggles_ = 0;
  uint64_t next_poll_ = 0;
};

/// One attempt; *finished says whether it stayed within the budget and wrote the pairing.
Status attempt(bool mirrored, SquareMatrix& matrix, uint64_t budget, const Cancel& cancel, const Pairing& pairing,
               bool* finished) {
  CUTLOSS_TRY(matrix.begin(mirrored));
  Reduction reduction(matrix, mirrored, cancel);
  CUTLOSS_TRY(reduction.run(budget, finished));
  if (!*finished) return {};
  for (Buffer<uint32_t>* wanted : {pairing.column_of, pairing.row_of}) {
    if (wanted) CUTLOSS_TRY(wanted->allocate(matrix.size));
  }
  const uint32_t end = matrix.size - 1;
  for (uint32_t i = 0; i < matrix.size; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    const uint32_t j = reduction.column_of(i);
    const uint32_t row = mirrored ? end - j : i, column = mirrored ? end - i : j;
    if (pairing.column_of) (*pairing.column_of)[row] = column;
    if (pairing.row_of) (*pairing.row_of)[column] = row;
  }
  return {};
}

}  // namespace

Status pair_rows_and_columns(SquareMatrix& matrix, bool mirror_first, const Cancel& cancel, const Pairing& pairing) {
  bool finished = matrix.size == 0;
  bool mirrored = mirror_first;
  for (uint64_t budget = kFirstBudget * matrix.size; !finished; mirrored = !mirrored) {
    CUTLOSS_TRY(attempt(mirrored, matrix, budget, cancel, pairing, &finished));
    if (mirrored != mirror_first) budget *= kNextBudget;
  }
  return {};
}

}  // namespace cutloss::cpu
