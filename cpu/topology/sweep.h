// All cells of a kind in the order in which they appear, or in the reverse: by (rank, number). There is no list of
// cells and no sort of them. Voxels are sorted already, and a cell appears with its last voxel, so the cells of a level
// are found around the voxels of that level. Where voxels close to each other share a rank, the possible bases around
// each (the voxel less a fixed distance) are ascending lists: merging them gives the cells in the order of their
// numbers. The cells around voxels that are far from each other follow each other anyway.
#pragma once

#include <algorithm>

#include "cpu/buffer.h"
#include "cpu/topology/filtration.h"
#include "cpu/topology/poll.h"
#include "cpu/topology/star.h"

namespace cutloss::cpu {

/// A cell as a sweep comes by it.
struct Cell {
  uint32_t base;
  int type;
  uint32_t rank;
};

/// How many voxels ahead of a sweep memory is asked for that it will look at, step by step: what appears with a voxel,
/// the nodes that this joins, and what these point to.
constexpr uint32_t kFarAhead = 96;
constexpr uint32_t kMidAhead = 64;
constexpr uint32_t kNearAhead = 32;

template <class Kind, Direction kDirection, class Nodes>
class Sweep {
 public:
  static constexpr int kAxes = Kind::kAxes;

  /// nodes.join(cell) says whether it did, and nodes.leave(cell) is called for cells that do not, both in order, but of
  /// the cells of a star those that join come first. Cells that are known to join nothing come to leave() alone; of the
  /// others most are announced some time before, by nodes.from_afar(cell) and then nodes.nearby(cell).
  Sweep(const Filtration<kAxes>& field, Nodes& nodes)
      : grid_(field.grid), ranks_(field.ranks.data()), order_(field.order.data()), nodes_(nodes), finder_(field.grid) {
    for (int set = 0; set < Kind::kCorners; ++set) offsets_[set] = Kind::offset(grid_, set);
  }

  Status run(const Cancel& cancel) {
    CUTLOSS_TRY(find_stars(cancel));
    const uint32_t count = grid_.voxels;
    uint32_t polled = 0;
    for (uint32_t done = 0; done < count;) {
      const uint32_t rank = ranks_[at(done)];
      uint32_t end = done + 1;
      while (end < count && ranks_[at(end)] == rank && are_close(at(end - 1), at(end))) ++end;
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
  using Stars = cpu::Stars<Kind, kDirection>;
  static constexpr bool kUp = kDirection == Direction::kAscending;

  /// Whether voxels of one rank may share cells, or have some that come between the other's.
  bool are_close(uint32_t one, uint32_t next) const {
    return (kUp ? next - one : one - next) <= offsets_[Kind::kCorners - 1];
  }

  uint32_t at(uint32_t i) const { return order_[kUp ? i : grid_.voxels - 1 - i]; }

  /// Of all voxels, unless there are so many to a level that few are alone.
  Status find_stars(const Cancel& cancel) {
    if (ranks_[order_[grid_.voxels - 1]] < grid_.voxels / 16) return {};
    CUTLOSS_TRY(stars_.allocate(grid_.places));
    for_each_row(grid_, [&](uint32_t place, uint32_t, uint32_t) {
      if (!cancel.requested()) finder_.of_row(&ranks_[place], grid_.extents[kAxes - 1], &stars_[place]);
    });
    return cancel.requested() ? cancelled() : Status{};
  }
  Star star_of(uint32_t voxel) const {
    if (stars_) return Stars::unpack(stars_[voxel]);
    typename Stars::Packed star;
    finder_.of_row(&ranks_[voxel], 1, &star);
    return Stars::unpack(star);
  }
  Cell cell_of(uint32_t voxel, int i, uint32_t rank) const {
    const auto& cell = Stars::kCells.cell[i];
    return {voxel - offsets_[cell.corner], cell.type, rank};
  }

  /// Not for levels of many voxels: these are in the order of memory.
  void look_ahead(uint32_t done) {
    if (!stars_) return;
    const auto until = [&](uint32_t& reached, uint32_t distance, auto&& ask) {
      for (reached = std::max(reached, done); reached < std::min(done + distance, grid_.voxels); ++reached)
        ask(at(reached));
    };
    until(far_, kFarAhead, [&](uint32_t voxel) {
      __builtin_prefetch(&stars_[voxel]);
      __builtin_prefetch(&ranks_[voxel]);
    });
    until(ahead_, kMidAhead, [&](uint32_t voxel) { nodes_.from_afar(first_to_join(voxel)); });
    until(near_, kNearAhead, [&](uint32_t voxel) { nodes_.nearby(first_to_join(voxel)); });
  }
  /// Few voxels have more cells than one that may join anything; for those that have none, any cell will do.
  Cell first_to_join(uint32_t voxel) const {
    const Star star = star_of(voxel);
    return cell_of(voxel, __builtin_ctz((star.appear & ~star.idle) | 1u << (Stars::kCells.kCount - 1)), 0);
  }

  /// Cells that appear with one voxel: those whose other corners are there before it.
  [[gnu::flatten]] void around(uint32_t voxel, uint32_t rank) {
    const Star star = star_of(voxel);
    uint32_t left = star.idle;
    in_order(star.appear & ~star.idle, [&](int i) { left |= uint32_t{!nodes_.join(cell_of(voxel, i, rank))} << i; });
    in_order(left, [&](int i) { nodes_.leave(cell_of(voxel, i, rank)); });
  }
  template <class Visit>
  static void in_order(uint32_t cells, Visit&& visit) {
    while (cells) {
      const int i = kUp ? __builtin_ctz(cells) : 31 - __builtin_clz(cells);
      cells ^= 1u << i;
      visit(i);
    }
  }

  /// Cells that appear with any of several voxels of one rank, each found once.
  [[gnu::flatten]] void merge(uint32_t begin, uint32_t end, uint32_t rank) {
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
    if (Kind::rank(grid_, ranks_, base, type) != rank) return;
    const Cell cell{base, type, rank};
    if (!nodes_.join(cell)) nodes_.leave(cell);
  }

  const math::Grid<kAxes>& grid_;
  const uint32_t* ranks_;
  const uint32_t* order_;
  Nodes& nodes_;
  uint32_t offsets_[Kind::kCorners];
  const Stars finder_;
  Buffer<typename Stars::Packed> stars_;     // by voxel
  uint32_t far_ = 0, ahead_ = 0, near_ = 0;  // how far memory was asked for
};

template <class Kind, Direction kDirection, class Nodes>
Status sweep(const Filtration<Kind::kAxes>& field, const Cancel& cancel, Nodes& nodes) {
  return Sweep<Kind, kDirection, Nodes>(field, nodes).run(cancel);
}

}  // namespace cutloss::cpu
