// What a target contributes to every matching with it, as words that are kept between calls: ranks, bars, the joins of
// its top cells (along which each new comparison is followed), and in 3-D the edges that are the rows of its loops,
// with the squares of its first level.
//
//   the batch it was prepared for, then sections, each a count and as many elements:
//   ranks by voxel | by dimension the bars: birth, death, key | joins: dying, surviving | edges
//   | squares
//
// A bar's key is where Side::bar_of has it; in the highest dimension it is the join at which the bar dies. The words
// lie in JavaScript's memory, so what serves as an index is compared with its end before it is used.
#pragma once

#include "cpu/topology/persistence.h"

namespace cutloss::cpu {

/// Writes one field's words and says how many; there must be room for most_prepared_words().
template <int kAxes>
uint64_t write_prepared(const FieldBatch& batch, const Filtration<kAxes>& field, const FieldSides<kAxes>& sides,
                        uint32_t* words);

/// One field's words, as long as they are there.
template <int kAxes>
class PreparedTarget {
 public:
  Status open(const FieldBatch& batch, const View& prepared, int64_t item);

  Status ranks(Buffer<uint32_t>* ranks) const;
  /// Of a dimension that is not the highest.
  Status side(int dimension, Side* side) const;
  Status side_of_top_cells(const uint32_t* comparison, const Cancel& cancel, Side* side) const;
  Status edges(CellList* edges) const;
  Status squares(CellList* squares) const;

 private:
  struct KeyedBar {
    uint32_t birth, death, key;
  };
  template <class T>
  struct Section {
    const T* elements = nullptr;
    uint32_t count = 0;
  };

  template <class T>
  Status read(Section<T>* section);
  Status read_cells(const Section<uint32_t>& section, CellList* cells) const;
  Status read_bars(const Section<KeyedBar>& section, uint64_t keys, Side* side) const;

  math::Grid<kAxes> grid_;
  Section<uint32_t> ranks_, edges_, squares_;
  Section<KeyedBar> bars_[kAxes];
  Section<TopCellJoin> joins_;
  const uint32_t* next_ = nullptr;
  uint64_t left_ = 0;
};

}  // namespace cutloss::cpu
