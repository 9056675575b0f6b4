// All cells of a kind in the order in which they appear, or in the reverse: by (rank, number). There is no list of
// cells and no sort of them. Voxels are sorted already, and a cell appears with its last voxel, so the cells of a level
// are found around the voxels of that level. Where several voxels share a rank, the possible bases around each (the
// voxel less a fixed distance) are ascending lists: merging them gives the cells in the order of their numbers.
#pragma once

#include <algorithm>

#include "cpu/topology/filtration.h"
#include "cpu/topology/poll.h"

namespace cutloss::cpu {

enum class Direction { kAscending, kDescending };

/// A cell as a sweep comes by it.
struct Cell {
  uint32_t base;
  int type;
  uint32_t rank;
};

/// Calls visit(place) for the voxel itself and those beside it across rows that are corners of a cell of this kind with
/// it: one in each line of memory.
template <class Kind, class Visit>
void for_each_row_around(const math::Grid<Kind::kAxes>& grid, uint32_t voxel, Visit&& visit) {
  const uint32_t row = grid.strides[Kind::kAxes - 2];
  visit(voxel - row);
  visit(voxel);
  visit(voxel + row);
  if constexpr (Kind::kAxes == 3) {
    const uint32_t plane = grid.strides[0];
    visit(voxel - plane);
    visit(voxel + plane);
    if constexpr (Kind::kDimension > 1) {
      visit(voxel - plane - row);
      visit(voxel - plane + row);
      visit(voxel + plane - row);
      visit(voxel + plane + row);
    }
  }
}

/// The cells that have a voxel as a corner, in their order, and the voxels around it that are their other corners.
template <class Kind>
struct Star {
  static constexpr int kPlaces = Kind::kAxes == 3 ? 27 : 9;  // around and including the voxel, axis by axis

  struct Member {
    int corner;  // the set of axes along which the voxel lies away from the cell's base
    int type;
    uint32_t others;  // a bit for each neighbour that is a corner
  };

  int cells = 0, neighbours = 0;
  Member cell[Kind::kTypes * Kind::kCorners] = {};
  int neighbour[kPlaces] = {};  // its code

  /// Where one corner lies as seen from another.
  static constexpr int code(int from, int to) {
    int sum = 0;
    for (int axis = 0; axis < Kind::kAxes; ++axis) {
      const int bit = 1 << (Kind::kAxes - 1 - axis);
      sum = sum * 3 + 1 + ((to & bit) != 0) - ((from & bit) != 0);
    }
    return sum;
  }

  constexpr Star() {
    int bit_of[kPlaces] = {};  // from 1
    for (int corner = Kind::kCorners - 1; corner >= 0; --corner) {
      for (int type = 0; type < Kind::kTypes; ++type) {
        if (!Kind::has_corner(type, corner)) continue;
        Member& member = cell[cells++];
        member.corner = corner;
        member.type = type;
        for (int other = 0; other < Kind::kCorners; ++other) {
          if (other == corner || !Kind::has_corner(type, other)) continue;
          int& bit = bit_of[code(corner, other)];
          if (bit == 0) {
            neighbour[neighbours] = code(corner, other);
            bit = ++neighbours;
          }
          member.others |= 1u << (bit - 1);
        }
      }
    }
  }
};

/// How many voxels ahead of a sweep memory is asked for that it will look at: in two steps, because what a node points
/// to is known only once the node is there.
constexpr uint32_t kFarAhead = 96;
constexpr uint32_t kNearAhead = 48;

template <class Kind, Direction kDirection, class Visit, class Approach>
class Sweep {
 public:
  static constexpr int kAxes = Kind::kAxes;

  /// visit(cell) is called for every cell, approach.from_afar(voxel) and then approach.nearby(voxel) some time before.
  Sweep(const Filtration<kAxes>& field, Visit& visit, Approach& approach)
      : grid_(field.grid), ranks_(field.ranks.data()), order_(field.order.data()), visit_(visit), approach_(approach) {
    for (int set = 0; set < Kind::kCorners; ++set) offsets_[set] = Kind::offset(grid_, set);
    for (int i = 0; i < kStar.neighbours; ++i) {
      int code = kStar.neighbour[i];
      neighbours_[i] = 0;
      for (int axis = kAxes - 1; axis >= 0; --axis) {
        neighbours_[i] += (code % 3 - 1) * int64_t{grid_.strides[axis]};
        code /= 3;
      }
    }
  }

  Status run(const Cancel& cancel) {
    const uint32_t count = grid_.voxels;
    uint32_t polled = 0;
    for (uint32_t done = 0; done < count;) {
      const uint32_t rank = ranks_[at(done)];
      uint32_t end = done + 1;
      while (end < count && ranks_[at(end)] == rank) ++end;
      if (end - done < kFarAhead) look_ahead(end);
      if (end == done + 1) {
        around(at(done), rank);
      } else {
        merge(done, end, rank);
      }
      done = end;
      if (done - polled >= kPoll) {
        if (cancel.requested()) return cancelled();
        polled = done;
      }
    }
    return {};
  }

 private:
  static constexpr bool kUp = kDirection == Direction::kAscending;
  static constexpr Star<Kind> kStar{};

  uint32_t at(uint32_t i) const { return order_[kUp ? i : grid_.voxels - 1 - i]; }

  /// Not for levels of many voxels: these are in the order of memory.
  void look_ahead(uint32_t done) {
    for (far_ = std::max(far_, done); far_ < std::min(done + kFarAhead, grid_.voxels); ++far_) {
      for_each_row_around<Kind>(grid_, at(far_), [&](uint32_t voxel) { __builtin_prefetch(&ranks_[voxel]); });
      approach_.from_afar(at(far_));
    }
    for (near_ = std::max(near_, done); near_ < std::min(done + kNearAhead, grid_.voxels); ++near_) {
      approach_.nearby(at(near_));
    }
  }

  /// Cells that appear with one voxel: those whose other corners are there before it.
  void around(uint32_t voxel, uint32_t rank) {
    uint32_t there = 0;
    for (int i = 0; i < kStar.neighbours; ++i) there |= uint32_t{ranks_[voxel + neighbours_[i]] < rank} << i;
    uint32_t appear = 0;
    for (int i = 0; i < kStar.cells; ++i) {
      const uint32_t others = kStar.cell[i].others;
      appear |= uint32_t{(there & others) == others} << (kUp ? i : kStar.cells - 1 - i);
    }
    for (; appear; appear &= appear - 1) {
      const int i = __builtin_ctz(appear);
      const auto& cell = kStar.cell[kUp ? i : kStar.cells - 1 - i];
      visit_(Cell{voxel - offsets_[cell.corner], cell.type, rank});
    }
  }

  /// Cells that appear with any of several voxels of one rank, each found once.
  void merge(uint32_t begin, uint32_t end, uint32_t rank) {
    uint32_t cursor[Kind::kCorners];
    for (int set = 0; set < Kind::kCorners; ++set) cursor[set] = begin;
    for (;;) {
      uint32_t next = kUp ? math::kNever : 0;
      for (int set = 0; set < Kind::kCorners; ++set) {
        if (!Kind::any_has_corner(set) || cursor[set] == end) continue;
        const uint32_t base = at(cursor[set]) - offsets_[set];
        next = kUp ? (base < next ? base : next) : (base > next ? base : next);
      }
      if (next == (kUp ? math::kNever : 0)) return;
      for (int set = 0; set < Kind::kCorners; ++set) {
        if (!Kind::any_has_corner(set) || cursor[set] == end) continue;
        if (at(cursor[set]) - offsets_[set] == next) ++cursor[set];
      }
      for (int j = 0; j < Kind::kTypes; ++j) visit_if_appears(next, kUp ? j : Kind::kTypes - 1 - j, rank);
    }
  }

  void visit_if_appears(uint32_t base, int type, uint32_t rank) {
    if (Kind::rank(grid_, ranks_, base, type) == rank) visit_(Cell{base, type, rank});
  }

  const math::Grid<kAxes>& grid_;
  const uint32_t* ranks_;
  const uint32_t* order_;
  Visit& visit_;
  Approach& approach_;
  uint32_t offsets_[Kind::kCorners];
  int64_t neighbours_[kStar.neighbours];
  uint32_t far_ = 0, near_ = 0;  // how far memory was asked for
};

template <class Kind, Direction kDirection, class Visit, class Approach>
Status sweep(const Filtration<Kind::kAxes>& field, const Cancel& cancel, Visit&& visit, Approach&& approach) {
  return Sweep<Kind, kDirection, Visit, Approach>(field, visit, approach).run(cancel);
}

}  // namespace cutloss::cpu
