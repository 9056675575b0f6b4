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

/// Calls visit(place) for the voxel itself and those beside it across rows: one in each line of memory around it.
template <int kAxes, class Visit>
void for_each_row_around(const math::Grid<kAxes>& grid, uint32_t voxel, Visit&& visit) {
  const uint32_t row = grid.strides[kAxes - 2], plane = kAxes == 3 ? grid.strides[0] : 0;
  for (uint32_t start = voxel - plane;; start += plane) {
    visit(start - row);
    visit(start);
    visit(start + row);
    if (start == voxel + plane) return;
  }
}

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

  uint32_t at(uint32_t i) const { return order_[kUp ? i : grid_.voxels - 1 - i]; }

  /// Not for levels of many voxels: these are in the order of memory.
  void look_ahead(uint32_t done) {
    for (far_ = std::max(far_, done); far_ < std::min(done + kFarAhead, grid_.voxels); ++far_) {
      for_each_row_around(grid_, at(far_), [&](uint32_t voxel) { __builtin_prefetch(&ranks_[voxel]); });
      approach_.from_afar(at(far_));
    }
    for (near_ = std::max(near_, done); near_ < std::min(done + kNearAhead, grid_.voxels); ++near_) {
      approach_.nearby(at(near_));
    }
  }

  /// Cells that appear with one voxel: it is a corner of each, the furthest corners first where bases ascend.
  void around(uint32_t voxel, uint32_t rank) {
    for (int i = 0; i < Kind::kCorners; ++i) {
      const int set = kUp ? Kind::kCorners - 1 - i : i;
      if (!Kind::any_has_corner(set)) continue;
      const uint32_t base = voxel - offsets_[set];
      for (int j = 0; j < Kind::kTypes; ++j) {
        const int type = kUp ? j : Kind::kTypes - 1 - j;
        if (Kind::has_corner(type, set)) visit_if_appears(base, type, rank);
      }
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
  uint32_t far_ = 0, near_ = 0;  // how far memory was asked for
};

template <class Kind, Direction kDirection, class Visit, class Approach>
Status sweep(const Filtration<Kind::kAxes>& field, const Cancel& cancel, Visit&& visit, Approach&& approach) {
  return Sweep<Kind, kDirection, Visit, Approach>(field, visit, approach).run(cancel);
}

}  // namespace cutloss::cpu
