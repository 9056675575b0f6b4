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
  static uint64_t key(uint32_t rank, uint32_t place) { return uint64_t{rank} << 32 | place; }
  static bool older(uint64_t a, uint64_t b) { return (a < b) == (kDirection == Direction::kAscending); }
};

/// Two components become one: the eldest of both, and the rank of the one that dies.
struct Join {
  uint32_t dying;
  uint32_t surviving;
  uint32_t dying_rank;
};

/// Union-find whose representative is the eldest node of its component. Ranks lie beside the parents: every look at one
/// is a look at the other, and far from the last.
template <Direction kDirection>
class Components {
 public:
  /// Every place a node of its own, but those without a rank are one.
  Status separate(uint32_t places, const uint32_t* ranks, const Cancel& cancel) {
    CUTLOSS_TRY(nodes_.allocate(places));
    for (uint32_t i = 0; i < places; ++i) {
      if (stops_at(i, cancel)) return cancelled();
      nodes_[i] = {ranks[i] == math::kNever ? kOutside : i, ranks[i]};
    }
    return {};
  }

  /// Calls on_join(join) if the nodes were apart, else on_rest().
  template <class OnJoin, class OnRest>
  void join(uint32_t a, uint32_t b, OnJoin&& on_join, OnRest&& on_rest) {
    const uint32_t first = eldest(a), second = eldest(b);
    if (first == second) return on_rest();
    const bool older = Seniority<kDirection>::older(key(first), key(second));
    const uint32_t dying = older ? second : first, surviving = older ? first : second;
    nodes_[dying].parent = surviving;
    on_join(Join{dying, surviving, nodes_[dying].rank});
  }

  uint32_t rank(uint32_t node) const { return nodes_[node].rank; }

  /// Asks for a node, and once it is there for its parent, which it returns, before a join looks at them.
  void fetch(uint32_t node) const { __builtin_prefetch(&nodes_[node], 1); }
  uint32_t fetch_parent(uint32_t node) const {
    const uint32_t parent = nodes_[node].parent;
    __builtin_prefetch(&nodes_[parent], 1);
    return parent;
  }

 private:
  struct Node {
    uint32_t parent;
    uint32_t rank;
  };

  uint64_t key(uint32_t node) const { return Seniority<kDirection>::key(nodes_[node].rank, node); }

  /// Most nodes are roots or their children; the processor need not tell which.
  uint32_t eldest(uint32_t node) {
    Node* nodes = nodes_.data();
    for (;;) {
      const uint32_t parent = nodes[node].parent, beyond = nodes[parent].parent;
      if (parent == beyond) return parent;
      nodes[node].parent = beyond;
      node = beyond;
    }
  }

  Buffer<Node> nodes_;
};

/// Asks for the nodes around a voxel before a sweep comes to it, and then for what is at their parents: the nodes, and
/// whatever else fetch_root(node) asks for.
template <class Kind, Direction kDirection, class FetchRoot>
struct ApproachNodes {
  const math::Grid<Kind::kAxes>& grid;
  const Components<kDirection>& components;
  FetchRoot& fetch_root;

  void from_afar(uint32_t voxel) const {
    for_each_row_around<Kind>(grid, voxel, [&](uint32_t node) { components.fetch(node); });
  }
  void nearby(uint32_t voxel) const {
    for_each_row_around<Kind>(grid, voxel, [&](uint32_t node) { fetch_root(components.fetch_parent(node)); });
    fetch_root(components.fetch_parent(voxel + 1));
    fetch_root(components.fetch_parent(voxel - 1));
  }
};

/// Follows the joins of a forest and tells who would have died in another order.
template <Direction kDirection>
class ElderUnder {
 public:
  Status begin(uint32_t places, const uint32_t* ranks, const Cancel& cancel) {
    CUTLOSS_TRY(eldest_.allocate(places));
    for (uint32_t i = 0; i < places; ++i) {
      if (stops_at(i, cancel)) return cancelled();
      eldest_[i] = Seniority<kDirection>::key(ranks[i], i);
    }
    return {};
  }
  void fetch(uint32_t root) const {
    if (eldest_) __builtin_prefetch(&eldest_[root], 1);
  }
  uint32_t follow(uint32_t dying, uint32_t surviving) {
    const uint64_t mine = eldest_[dying], other = eldest_[surviving];
    if (Seniority<kDirection>::older(other, mine)) return uint32_t(mine);
    eldest_[surviving] = mine;
    return uint32_t(other);
  }

 private:
  Buffer<uint64_t> eldest_;  // keys, at the roots
};

/// Joins voxels by edges as they appear: on_join(edge, join) or on_rest(edge); fetch_root(node) some time before a join
/// that the node is likely part of.
template <int kAxes, class FetchRoot, class OnJoin, class OnRest>
Status join_voxels(const Filtration<kAxes>& field, const Cancel& cancel, FetchRoot&& fetch_root, OnJoin&& on_join,
                   OnRest&& on_rest) {
  Components<Direction::kAscending> components;
  CUTLOSS_TRY(components.separate(field.grid.places, field.ranks.data(), cancel));
  return sweep<math::Edges<kAxes>, Direction::kAscending>(
      field, cancel,
      [&](Cell edge) {
        components.join(
            edge.base, edge.base + field.grid.strides[edge.type], [&](const Join& join) { on_join(edge, join); },
            [&] { on_rest(edge); });
      },
      ApproachNodes<math::Edges<kAxes>, Direction::kAscending, FetchRoot>{field.grid, components, fetch_root});
}

/// The same by the edges of a spanning tree alone, which stand in the list backwards.
template <int kAxes, class FetchRoot, class OnJoin>
Status join_voxels_of_tree(const Filtration<kAxes>& field, const CellList& tree, const Cancel& cancel,
                           FetchRoot&& fetch_root, OnJoin&& on_join) {
  using Edges = math::Edges<kAxes>;
  Components<Direction::kAscending> components;
  CUTLOSS_TRY(components.separate(field.grid.places, field.ranks.data(), cancel));
  const auto for_ends_of = [&](uint32_t i, auto&& visit) {
    const uint32_t base = tree[i] / Edges::kTypes;
    visit(base);
    visit(base + field.grid.strides[tree[i] % Edges::kTypes]);
  };
  for (uint32_t i = tree.count; i-- > 0;) {
    if (stops_at(i, cancel)) return cancelled();
    if (i >= kFarAhead) {
      for_ends_of(i - kFarAhead, [&](uint32_t voxel) { components.fetch(voxel); });
    }
    if (i >= kNearAhead)
      for_ends_of(i - kNearAhead, [&](uint32_t voxel) { fetch_root(components.fetch_parent(voxel)); });
    Cell edge{tree[i] / Edges::kTypes, int(tree[i] % Edges::kTypes), 0};
    const uint32_t far_end = edge.base + field.grid.strides[edge.type];
    edge.rank = std::max(components.rank(edge.base), components.rank(far_end));
    components.join(
        edge.base, far_end, [&](const Join& join) { on_join(edge, join); }, [] {});
  }
  return {};
}

/// Joins top cells by walls, backwards: on_join(wall, join) or on_rest(wall).
template <int kAxes, class FetchRoot, class OnJoin, class OnRest>
Status join_top_cells(const Filtration<kAxes>& field, const uint32_t* top_cell_ranks, const Cancel& cancel,
                      FetchRoot&& fetch_root, OnJoin&& on_join, OnRest&& on_rest) {
  Components<Direction::kDescending> components;
  CUTLOSS_TRY(components.separate(field.grid.places, top_cell_ranks, cancel));
  return sweep<math::Walls<kAxes>, Direction::kDescending>(
      field, cancel,
      [&](Cell wall) {
        components.join(
            wall.base - field.grid.strides[math::normal_axis<kAxes>(wall.type)], wall.base,
            [&](const Join& join) { on_join(wall, join); }, [&] { on_rest(wall); });
      },
      ApproachNodes<math::Walls<kAxes>, Direction::kDescending, FetchRoot>{field.grid, components, fetch_root});
}

}  // namespace cutloss::cpu
