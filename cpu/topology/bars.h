// What passes over a filtration leave: the bars of one field in one dimension, and lists of cells for the next pass.
#pragma once

#include "cpu/buffer.h"

namespace cutloss::cpu {

constexpr uint32_t kNone = 0xffffffffu;

/// The voxels at which a feature appears and is filled.
struct Bar {
  uint32_t birth;
  uint32_t death;
};

/// A list whose longest length is known.
template <class T>
struct List {
  Buffer<T> items;
  uint32_t count = 0;

  Status reserve(uint64_t most) {
    count = 0;
    return items.allocate(most);
  }
  uint32_t add(T item) {
    items[count] = item;
    return count++;
  }
  void clear() {
    items.free();
    count = 0;
  }
  const T* begin() const { return items.data(); }
  const T* end() const { return items.data() + count; }
  const T& operator[](uint32_t i) const { return items[i]; }
};

using Bars = List<Bar>;
/// Numbers of cells: base * types + type.
using CellList = List<uint32_t>;

/// Two components of top cells become one.
struct TopCellJoin {
  uint32_t dying;
  uint32_t surviving;
};

/// One field's part in the matching of a dimension: its bars, and the bar that belongs to a key of the comparison,
/// which is a birth or a death, as the dimension has it; kNone where there is none that lasts.
struct Side {
  Bars bars;
  Buffer<uint32_t> bar_of;
};

/// A lasting bar of the comparison, as the keys by which both sides look up their bars.
struct Keys {
  uint32_t sides[2];
};

}  // namespace cutloss::cpu
