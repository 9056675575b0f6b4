// The column under reduction while it is short, as it is for most additions: its rows in order, so that to add another
// column is to merge two lists. Which of them has the next row is as good as random, so no branch depends on it; and
// the new last row is known at once, while the rest is still being merged.
//
// Rows are counted from 1 here. Lists have the last row first, and end with 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace cutloss::cpu {

class ShortColumn {
 public:
  static constexpr uint32_t kMost = 64;

  /// The column of four rows, some of which may be 0.
  void begin(const uint32_t* rows) {
    std::copy_n(rows, 4, rows_);
    rows_[4] = 0;
    count_ = 0;
    for (int i = 0; i < 4; ++i) count_ += rows[i] != 0;
  }

  /// Becomes the sum of another column and of one with the same last row, of which these are the others: rows that are
  /// in one of both. There is room for all.
  void sum(const ShortColumn& column, const uint32_t* others) {
    const uint32_t *rows = column.rows_ + 1, *end = column.rows_ + column.count_;
    uint32_t* to = rows_;
    while (*others != 0) {
      const uint32_t mine = *rows, other = *others;
      *to = std::max(mine, other);
      rows += mine >= other;
      others += other >= mine;
      to += mine != other;
    }
    const uint32_t rest = uint32_t(end - rows);
    for (uint32_t i = 0; i <= rest; i += kAtOnce) std::memcpy(to + i, rows + i, kAtOnce * sizeof(uint32_t));
    count_ = uint32_t(to - rows_) + rest;
  }

  std::span<const uint32_t> rows() const { return {rows_, count_}; }
  uint32_t count() const { return count_; }
  /// 0 if there are fewer.
  uint32_t last() const { return rows_[0]; }
  uint32_t second_last() const { return rows_[1]; }

 private:
  static constexpr uint32_t kAtOnce = 8;

  uint32_t rows_[kMost + kAtOnce] = {};
  uint32_t count_ = 0;
};

}  // namespace cutloss::cpu
