// Components that grow and merge as cells appear. When an edge joins two components, the younger dies: that is a bar of
// dimension 0. The holes of the highest dimension are components too, of what is not there yet: going backwards, top
// cells are the nodes, walls join them, and the outside of the grid is the eldest node. An edge (a wall) whose ends are
// joined already is left to the next dimension.
//
// A merge forest of one field also says which bars of *another* field's order die at the same joins: the image bars
// that decide the matching. The joins are the same, only the elder is somebody else: ElderUnder keeps, at each root,
// the eldest of its component as the other field sees it.
#pragma once

#include "cpu/topology/bars.h"
#include "cpu/topology/sweep.h"

namespace cutloss::cpu {

/// The node of everything outside the grid; a guard has this place.
constexpr uint32_t kOutside = 0;

/// Who is older, by rank and then by place: voxels forwards, top cells backwards. Outside has the rank kNever.
template <Direction kDirection>
struct Seniority {
  const uint32_t* ranks;

  bool older(uint32_t a, uint32_t b) const {
    if (ranks[a] != ranks[b]) return (ranks[a] < ranks[b]) == (kDirection == Direction::kAscending);
    return (a < b) == (kDirection == Direction::kAscending);
  }
};

/// Union-find whose representative is the eldest node of its component.
class Components {
 public:
  /// Every place a node of its own.
  Status separate(uint32_t places) {
    CUTLOSS_TRY(parents_.allocate(places));
    for (uint32_t i = 0; i < places; ++i) parents_[i] = i;
    return {};
  }
  /// Likewise, but places without a top cell are one node.
  Status separate(uint32_t places, const uint32_t* top_cell_ranks) {
    CUTLOSS_TRY(parents_.allocate(places));
    for (uint32_t i = 0; i < places; ++i) parents_[i] = top_cell_ranks[i] == math::kNever ? kOutside : i;
    return {};
  }

  uint32_t eldest(uint32_t node) {
    uint32_t* parents = parents_.data();
    while (parents[node] != node) {
      parents[node] = parents[parents[node]];
      node = parents[node];
    }
    return node;
  }

  /// Calls on_join(dying, surviving) if the nodes were apart, else on_rest().
  template <Direction kDirection, class OnJoin, class OnRest>
  void join(uint32_t a, uint32_t b, Seniority<kDirection> seniority, OnJoin&& on_join, OnRest&& on_rest) {
    const uint32_t first = eldest(a), second = eldest(b);
    if (first == second) return on_rest();
    const bool older = seniority.older(first, second);
    const uint32_t dying = older ? second : first, surviving = older ? first : second;
    parents_[dying] = surviving;
    on_join(dying, surviving);
  }

 private:
  Buffer<uint32_t> parents_;
};

/// Follows the joins of a forest and tells who would have died in another order.
template <Direction kDirection>
class ElderUnder {
 public:
  Status begin(uint32_t places, const uint32_t* ranks) {
    seniority_ = {ranks};
    CUTLOSS_TRY(eldest_.allocate(places));
    for (uint32_t i = 0; i < places; ++i) eldest_[i] = i;
    return {};
  }
  uint32_t join(uint32_t dying, uint32_t surviving) {
    const uint32_t mine = eldest_[dying], other = eldest_[surviving];
    if (seniority_.older(other, mine)) return mine;
    eldest_[surviving] = mine;
    return other;
  }

 private:
  Seniority<kDirection> seniority_{};
  Buffer<uint32_t> eldest_;
};

/// Joins voxels by edges as they appear: on_join(edge, dying, surviving) or on_rest(edge).
template <int kAxes, class OnJoin, class OnRest>
Status join_voxels(const Filtration<kAxes>& field, const Cancel& cancel, OnJoin&& on_join, OnRest&& on_rest) {
  Components components;
  CUTLOSS_TRY(components.separate(field.grid.places));
  const Seniority<Direction::kAscending> seniority{field.ranks.data()};
  return sweep<math::Edges<kAxes>, Direction::kAscending>(field, cancel, [&](Cell edge) {
    components.join(
        edge.base, edge.base + field.grid.strides[edge.type], seniority,
        [&](uint32_t dying, uint32_t surviving) { on_join(edge, dying, surviving); }, [&] { on_rest(edge); });
  });
}

/// The same by the edges of a spanning tree alone, which stand in the list backwards.
template <int kAxes, class OnJoin>
Status join_voxels_of_tree(const Filtration<kAxes>& field, const CellList& tree, OnJoin&& on_join) {
  using Edges = math::Edges<kAxes>;
  Components components;
  CUTLOSS_TRY(components.separate(field.grid.places));
  const Seniority<Direction::kAscending> seniority{field.ranks.data()};
  for (uint32_t i = tree.count; i-- > 0;) {
    Cell edge{tree[i] / Edges::kTypes, int(tree[i] % Edges::kTypes), 0};
    edge.rank = Edges::rank(field.grid, field.ranks.data(), edge.base, edge.type);
    components.join(
        edge.base, edge.base + field.grid.strides[edge.type], seniority,
        [&](uint32_t dying, uint32_t surviving) { on_join(edge, dying, surviving); }, [] {});
  }
  return {};
}

/// Joins top cells by walls, backwards: on_join(wall, dying, surviving) or on_rest(wall).
template <int kAxes, class OnJoin, class OnRest>
Status join_top_cells(const Filtration<kAxes>& field, const uint32_t* top_cell_ranks, const Cancel& cancel,
                      OnJoin&& on_join, OnRest&& on_rest) {
  Components components;
  CUTLOSS_TRY(components.separate(field.grid.places, top_cell_ranks));
  const Seniority<Direction::kDescending> seniority{top_cell_ranks};
  return sweep<math::Walls<kAxes>, Direction::kDescending>(field, cancel, [&](Cell wall) {
    components.join(
        wall.base - field.grid.strides[math::normal_axis<kAxes>(wall.type)], wall.base, seniority,
        [&](uint32_t dying, uint32_t surviving) { on_join(wall, dying, surviving); }, [&] { on_rest(wall); });
  });
}

}  // namespace cutloss::cpu
