// What appears with a voxel that is alone in its level, as the voxels around it tell: the cells with it as their last
// corner, and which of these join nothing, because what they would join hangs together already, close by. Most voxels
// of a smooth field, and many of noise, leave one cell or none that a union-find must be asked about, and all of this
// is found in the order of memory, for many voxels at once.
//
// Forwards, an edge from the voxel to an earlier one joins nothing if that one hangs together with the end of an edge
// before it, by way of earlier voxels among the neighbours. Backwards, a wall joins nothing if the top cells on both
// its sides hang together by walls around the voxel that are later, or that come before it in this star.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "math/cubical/cells.h"

namespace cutloss::cpu {

enum class Direction { kAscending, kDescending };

/// The cells of a kind around a voxel in their order, and their other corners. A neighbour is a bit: its place among
/// the 3 ^ axes in a block around the voxel, axis 0 the slowest.
template <class Kind>
struct StarCells {
  static constexpr int kAxes = Kind::kAxes;
  static constexpr int kCount = kAxes == 2 ? 4 : Kind::kDimension == 1 ? 6 : 12;
  struct Member {
    int corner;  // the set of axes along which the voxel lies away from the cell's base
    int type;
    uint32_t others;
  };
  Member cell[kCount] = {};

  /// How far a place in the block is along an axis: 0, 1, 2.
  static constexpr int digit(int code, int axis) {
    for (int slower = kAxes - 1; slower > axis; --slower) code /= 3;
    return code % 3;
  }
  /// Where one corner lies as seen from another.
  static constexpr int code(int from, int to) {
    int sum = 0;
    for (int axis = 0; axis < kAxes; ++axis) {
      const int bit = 1 << (kAxes - 1 - axis);
      sum = sum * 3 + 1 + ((to & bit) != 0) - ((from & bit) != 0);
    }
    return sum;
  }

  constexpr StarCells() {
    int i = 0;
    for (int corner = Kind::kCorners - 1; corner >= 0; --corner) {
      for (int type = 0; type < Kind::kTypes; ++type) {
        if (!Kind::has_corner(type, corner)) continue;
        cell[i] = {corner, type, 0};
        for (int other = 0; other < Kind::kCorners; ++other) {
          if (other != corner && Kind::has_corner(type, other)) cell[i].others |= 1u << code(corner, other);
        }
        ++i;
      }
    }
  }
};

/// Walls around a voxel that join nothing, of any set that may appear at once.
template <class Walls>
constexpr auto idle_walls() {
  constexpr StarCells<Walls> kStar;
  std::array<uint16_t, 1 << kStar.kCount> table{};
  for (uint32_t appear = 0; appear < table.size(); ++appear) {
    int side[Walls::kCorners] = {};  // of the top cells around the voxel, which of them it hangs together with
    for (int i = 0; i < Walls::kCorners; ++i) side[i] = i;
    const auto joins = [&](int i) {
      const int normal = 1 << (Walls::kAxes - 1 - math::normal_axis<Walls::kAxes>(kStar.cell[i].type));
      const int mine = side[kStar.cell[i].corner], other = side[kStar.cell[i].corner | normal];
      for (int& any : side) any = any == other ? mine : any;
      return mine != other;
    };
    for (int i = 0; i < kStar.kCount; ++i) {
      if (!(appear >> i & 1)) joins(i);
    }
    for (int i = kStar.kCount - 1; i >= 0; --i) {
      if ((appear >> i & 1) && !joins(i)) table[appear] |= uint16_t(1 << i);
    }
  }
  return table;
}

/// Sets of a star's cells.
struct Star {
  uint32_t appear;
  uint32_t idle;  // of these, what joins nothing
};

/// The stars of voxels in a row, each in 16 bits.
template <class Kind, Direction kDirection>
class Stars {
 public:
  static constexpr int kAxes = Kind::kAxes;
  static constexpr StarCells<Kind> kCells{};
  using Packed = uint16_t;

  explicit Stars(const math::Grid<kAxes>& grid) {
    for (int code = 0; code < kBlock; ++code) {
      offsets_[code] = 0;
      for (int axis = 0; axis < kAxes; ++axis) {
        offsets_[code] += (kCells.digit(code, axis) - 1) * int64_t{grid.strides[axis]};
      }
    }
  }

  static Star unpack(Packed star) {
    if constexpr (kUp) {
      return {star & kAll, uint32_t(star) >> kCells.kCount};
    } else {
      return {star, kIdleWalls[star]};
    }
  }

  void of_row(const uint32_t* ranks, uint32_t count, Packed* stars) const {
    for (; count > kAtOnce; count -= kAtOnce, ranks += kAtOnce, stars += kAtOnce) of_few(ranks, kAtOnce, stars);
    of_few(ranks, count, stars);
  }

 private:
  static constexpr bool kUp = kDirection == Direction::kAscending;
  static constexpr int kBlock = kAxes == 3 ? 27 : 9;
  static constexpr uint32_t kAtOnce = 256;
  static constexpr uint32_t kAll = (1u << kCells.kCount) - 1;

  /// Those places in the block, other than the middle, that are away from it along at most so many axes.
  static constexpr uint32_t around(int axes) {
    uint32_t set = 0;
    for (int code = 0; code < kBlock; ++code) {
      int away = 0;
      for (int axis = 0; axis < kAxes; ++axis) away += kCells.digit(code, axis) != 1;
      set |= uint32_t{away > 0 && away <= axes} << code;
    }
    return set;
  }
  /// Those that are not at an end of an axis.
  static constexpr uint32_t except(int axis, int end) {
    uint32_t set = 0;
    for (int code = 0; code < kBlock; ++code) set |= uint32_t{kCells.digit(code, axis) != end} << code;
    return set;
  }
  /// What tells which cells appear and, of edges, which hang together.
  static constexpr uint32_t kNeighbours = [] {
    uint32_t set = kUp ? around(2) : 0;
    for (const auto& cell : kCells.cell) set |= cell.others;
    return set;
  }();
  static constexpr uint32_t kEnds = around(1);

  void of_few(const uint32_t* ranks, uint32_t count, Packed* stars) const {
    uint32_t earlier[kAtOnce], appear[kAtOnce];
    std::fill_n(earlier, count, 0);
    std::fill_n(appear, count, 0);
    for (int code = 0; code < kBlock; ++code) {
      if (!(kNeighbours >> code & 1)) continue;
      const uint32_t* others = ranks + offsets_[code];
      for (uint32_t i = 0; i < count; ++i) earlier[i] |= others[i] < ranks[i] ? 1u << code : 0;
    }
    for (int cell = 0; cell < kCells.kCount; ++cell) {
      const uint32_t others = kCells.cell[cell].others;
      for (uint32_t i = 0; i < count; ++i) appear[i] |= (earlier[i] & others) == others ? 1u << cell : 0;
    }
    if constexpr (kUp) {
      for (uint32_t i = 0; i < count; ++i) appear[i] |= idle_edges(earlier[i]) << kCells.kCount;
    }
    for (uint32_t i = 0; i < count; ++i) stars[i] = Packed(appear[i]);
  }

  /// What hangs together with a set along one axis.
  template <int kAxis>
  static uint32_t spread(uint32_t set, uint32_t earlier) {
    constexpr int kStride = kAxis == kAxes - 1 ? 1 : kAxis == kAxes - 2 ? 3 : 9;
    constexpr uint32_t kNotFirst = except(kAxis, 0), kNotLast = except(kAxis, 2);
    return set | (((set << kStride & kNotFirst) | (set >> kStride & kNotLast)) & earlier);
  }
  static uint32_t spread(uint32_t set, uint32_t earlier) {
    if constexpr (kAxes == 3) set = spread<kAxes - 3>(set, earlier);
    return spread<kAxes - 1>(spread<kAxes - 2>(set, earlier), earlier);
  }

  /// Of the edges to voxels that hang together with one of them, all but the first.
  static uint32_t idle_edges(uint32_t earlier) {
    const uint32_t ends = earlier & kEnds;
    const uint32_t together = spread(spread(spread(ends & (0 - ends), earlier), earlier), earlier);
    return all_but_first(together, std::make_integer_sequence<int, kCells.kCount>());
  }
  template <int... kCell>
  static uint32_t all_but_first(uint32_t ends, std::integer_sequence<int, kCell...>) {
    const uint32_t edges = (((ends & kCells.cell[kCell].others) != 0 ? 1u << kCell : 0) | ...);
    return edges & (edges - 1);
  }

  static constexpr auto kIdleWalls = [] {
    if constexpr (kUp) {
      return 0;
    } else {
      return idle_walls<Kind>();
    }
  }();

  int64_t offsets_[kBlock];
};

}  // namespace cutloss::cpu
