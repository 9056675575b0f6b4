// The column under reduction: a set of rows with toggle and "the last up to here", as a tree of 64-bit words. A bit of
// an upper level promises that the word beneath has something. It is set at once, and cleared only when a search finds
// the word empty: a row that is toggled there and back, which most are, costs nothing above.
#pragma once

#include "cpu/topology/bars.h"

namespace cutloss::cpu {

class BitColumn {
 public:
  Status begin(uint32_t rows) {
    uint64_t words = rows;
    top_ = -1;
    do {
      words = (words + 63) / 64;
      CUTLOSS_TRY(levels_[++top_].allocate(words, 0));
    } while (words > 1);
    return {};
  }

  void toggle(uint32_t row) {
    bool was_empty = levels_[0][row >> 6] == 0;
    levels_[0][row >> 6] ^= bit(row);
    for (int level = 1; was_empty && level <= top_; ++level) {
      row >>= 6;
      uint64_t& word = levels_[level][row >> 6];
      was_empty = word == 0;
      word |= bit(row);
    }
  }
  void remove(uint32_t row) { levels_[0][row >> 6] &= ~bit(row); }

  /// The largest row that is at most `row`; kNone if there is none.
  uint32_t last(uint32_t row) {
    const uint64_t here = levels_[0][row >> 6] & (~uint64_t{0} >> (63 - (row & 63)));
    if (here) return (row & ~63u) | highest(here);
    uint32_t position = row >> 6;  // of a bit in `level`, and of the word beneath
    for (int level = 1; level <= top_;) {
      const uint64_t before = levels_[level][position >> 6] & (bit(position) - 1);
      if (!before) {
        position >>= 6;
        ++level;
        continue;
      }
      position = (position & ~63u) | highest(before);
      while (const uint64_t beneath = levels_[level - 1][position]) {
        position = (position << 6) | highest(beneath);
        if (--level == 0) return position;
      }
      levels_[level][position >> 6] &= ~bit(position);  // a promise that was not kept: look further down from here
    }
    return kNone;
  }

 private:
  static uint64_t bit(uint32_t row) { return uint64_t{1} << (row & 63); }
  static uint32_t highest(uint64_t word) { return 63 - uint32_t(__builtin_clzll(word)); }

  Buffer<uint64_t> levels_[6];
  int top_ = 0;
};

}  // namespace cutloss::cpu
