#include "cpu/topology/reduction.h"

#include <algorithm>

#include "cpu/topology/bit_column.h"
#include "cpu/topology/poll.h"
#include "cpu/topology/short_column.h"

namespace cutloss::cpu {
namespace {

constexpr uint64_t kFirstBudget = 40;  // rows added, per column
constexpr uint64_t kNextBudget = 4;    // times the last
constexpr uint32_t kAhead = 32;        // columns
constexpr uint32_t kFew = 3;
constexpr uint32_t kStored = kNone;

/// Which column is paired with a row, and its other rows once it is reduced, 0 where there are fewer than three; or
/// kStored, where they lie, and how many. All of it in one place, since every addition begins with a look at a row that
/// nobody could foresee. Rows are counted from 1.
struct Owner {
  uint32_t column = kNone;
  uint32_t others[kFew] = {};
};

class Reduction {
 public:
  Reduction(const SquareMatrix& matrix, bool mirrored, const Cancel& cancel)
      : matrix_(matrix), mirrored_(mirrored), cancel_(cancel) {}

  /// *finished says whether it took no more than `budget` rows added.
  Status run(uint64_t budget, bool* finished) {
    CUTLOSS_TRY(owners_.allocate(uint64_t{matrix_.size} + 1, Owner{}));
    CUTLOSS_TRY(long_.begin(uint64_t{matrix_.size} + 1));
    for (uint32_t j = 0; j < kAhead && j < matrix_.size; ++j) read_ahead(j);
    for (uint32_t j = 0; j < matrix_.size; ++j) {
      if (stops_at(j, cancel_)) return cancelled();
      uint32_t rows[4];
      std::copy_n(ahead_[j % kAhead], 4, rows);
      if (j + kAhead < matrix_.size) read_ahead(j + kAhead);
      if (rows[0] == 0) return singular();
      Owner& owner = owners_[rows[0]];
      if (owner.column == kNone) {
        owner = {j, {rows[1], rows[2], rows[3]}};
        continue;
      }
      if (added_ > budget) return {};
      CUTLOSS_TRY(reduce(j, rows));
    }
    *finished = true;
    return {};
  }

  /// The column paired with a row, which is counted from 0.
  uint32_t column_of(uint32_t row) const { return owners_[row + 1].column; }

 private:
  static Status singular() { return failure(Code::kInternal, "Expected a nonsingular matrix"); }

  void read_ahead(uint32_t j) {
    uint32_t* rows = ahead_[j % kAhead];
    if (mirrored_) {
      matrix_.read_mirrored(j, rows);
    } else {
      matrix_.read(j, rows);
    }
    __builtin_prefetch(&owners_[rows[0]], 1);
  }

  /// The other rows of a reduced column, as they lie in the store or as a list of a few, and how many at most.
  struct Others {
    const uint32_t* rows;
    uint32_t most;
    uint32_t few[kFew + 1];

    Others(const Owner& owner, const uint32_t* stored) : few{owner.others[0], owner.others[1], owner.others[2], 0} {
      rows = few[0] == kStored ? stored + few[1] : few;
      most = few[0] == kStored ? few[2] : kFew;
    }
    Others(const Others&) = delete;
  };

  /// Adds earlier columns until the last row is free.
  Status reduce(uint32_t j, const uint32_t* rows) {
    ShortColumn *column = &short_[0], *sum = &short_[1];
    column->begin(rows);
    while (owners_[column->last()].column != kNone) {
      if (stops_here()) return cancelled();
      const Others others(owners_[column->last()], stored_.data());
      if (column->count() + others.most > ShortColumn::kMost) return reduce_long(j, *column);
      __builtin_prefetch(&owners_[std::max(column->second_last(), others.rows[0])]);
      look_ahead(others.rows);
      sum->sum(*column, others.rows);
      __builtin_prefetch(&owners_[sum->second_last()]);
      added_ += others.most + 1;
      std::swap(column, sum);
    }
    if (column->last() == 0) return singular();
    const std::span<const uint32_t> others = column->rows().subspan(1);
    CUTLOSS_TRY(make_room(others.size()));
    std::copy(others.begin(), others.end(), &stored_[used_]);
    used_ += others.size();
    return settle(j, column->last());
  }

  /// The same for a column of more rows than can be merged in little time.
  Status reduce_long(uint32_t j, const ShortColumn& column) {
    for (uint32_t row : column.rows()) long_.toggle(row);
    uint32_t last = column.last();
    while (last != kNone && owners_[last].column != kNone) {
      if (stops_here()) return cancelled();
      const Others others(owners_[last], stored_.data());
      look_ahead(others.rows);
      long_.toggle(last);
      for (const uint32_t* row = others.rows; *row != 0; ++row) long_.toggle(*row);
      added_ += others.most + 1;
      last = long_.last(last);
    }
    if (last == kNone) return singular();
    CUTLOSS_TRY(make_room(0));
    long_.remove(last);
    for (uint32_t row = long_.last(last); row != kNone; row = long_.last(row)) {
      CUTLOSS_TRY(make_room(1));
      stored_[used_++] = row;
      long_.remove(row);
    }
    return settle(j, last);
  }

  /// Rows that were just added may be the last soon.
  void look_ahead(const uint32_t* others) const {
    for (uint32_t i = 0; i < kFew; ++i) __builtin_prefetch(&owners_[others[i]]);
  }

  bool stops_here() {
    if (added_ < next_poll_) return false;
    next_poll_ = added_ + kPoll;
    return cancel_.requested();
  }

  /// For some rows more and a 0.
  Status make_room(uint64_t rows) {
    if (used_ + rows < stored_.capacity()) return {};
    return stored_.grow(2 * stored_.capacity() + 4096);
  }

  /// Pairs a column with its last row. Its others are what was stored since the last.
  Status settle(uint32_t j, uint32_t last) {
    const uint64_t start = settled_;
    const uint32_t count = uint32_t(used_ - start);
    Owner& owner = owners_[last];
    owner = {j, {}};
    if (count <= kFew) {
      std::copy_n(&stored_[start], count, owner.others);
      used_ = start;
      return {};
    }
    if (used_ >= kNone) return failure(Code::kMemory, "Expected fewer than 2^32 rows of reduced columns");
    owner = {j, {kStored, uint32_t(start), count}};
    stored_[used_++] = 0;
    settled_ = used_;
    return {};
  }

  const SquareMatrix& matrix_;
  const bool mirrored_;
  const Cancel& cancel_;
  ShortColumn short_[2];
  BitColumn long_;           // empty but in reduce_long()
  Buffer<Owner> owners_;     // by row
  Buffer<uint32_t> stored_;  // the other rows of reduced columns that have more than few, each with a 0 after them
  uint32_t ahead_[kAhead][4];
  uint64_t used_ = 0;     // of the store
  uint64_t settled_ = 0;  // of what is used
  uint64_t added_ = 0;
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
