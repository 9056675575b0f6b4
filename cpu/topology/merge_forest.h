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

  /// Whether the nodes were apart; on_join(join) then.
  template <class OnJoin>
  bool join(uint32_t a, uint32_t b, OnJoin&& on_join) {
    const uint32_t first = eldest(a), second = eldest(b);
    if (first == second) return false;
    const bool older = Seniority<kDirection>::older(key(first), key(second));
    const uint32_t dying = older ? second : first, surviving = older ? first : second;
    nodes_[dying].parent = surviving;
    on_join(Join{dying, surviving, nodes_[dying].rank});
    return true;
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

/// The nodes that a sweep joins by cells as they appear: the ends of edges forwards, top cells across walls backwards.
template <class Kind, Direction kDirection, class FetchRoot, class OnJoin, class OnRest>
class SweptNodes {
 public:
  SweptNodes(const math::Grid<Kind::kAxes>& grid, Components<kDirection>& components, FetchRoot& fetch_root,
             OnJoin& on_join, OnRest& on_rest)
      : grid_(grid), components_(components), fetch_root_(fetch_root), on_join_(on_join), on_rest_(on_rest) {}

  bool join(Cell cell) {
    return components_.join(first(cell), second(cell), [&](const Join& join) { on_join_(cell, join); });
  }
  void leave(Cell cell) { on_rest_(cell); }
  void from_afar(Cell cell) const {
    components_.fetch(first(cell));
    components_.fetch(second(cell));
  }
  void nearby(Cell cell) const {
    fetch_root_(components_.fetch_parent(first(cell)));
    fetch_root_(components_.fetch_parent(second(cell)));
  }

 private:
  static constexpr bool kUp = kDirection == Direction::kAscending;

  uint32_t stride(Cell cell) const {
    return grid_.strides[kUp ? cell.type : math::normal_axis<Kind::kAxes>(cell.type)];
  }
  uint32_t first(Cell cell) const { return kUp ? cell.base : cell.base - stride(cell); }
  uint32_t second(Cell cell) const { return kUp ? cell.base + stride(cell) : cell.base; }

  const math::Grid<Kind::kAxes>& grid_;
  Components<kDirection>& components_;
  FetchRoot& fetch_root_;
  OnJoin& on_join_;
  OnRest& on_rest_;
};

/// Joins nodes of these ranks by all cells of a kind: on_join(cell, join) or on_rest(cell); fetch_root(node) some time
/// before a join that the node is likely part of.
template <class Kind, Direction kDirection, class FetchRoot, class OnJoin, class OnRest>
Status join_nodes(const Filtration<Kind::kAxes>& field, const uint32_t* ranks, const Cancel& cancel,
                  FetchRoot&& fetch_root, OnJoin&& on_join, OnRest&& on_rest) {
  Components<kDirection> components;
  CUTLOSS_TRY(components.separate(field.grid.places, ranks, cancel));
  SweptNodes<Kind, kDirection, std::remove_reference_t<FetchRoot>, std::remove_reference_t<OnJoin>,
             std::remove_reference_t<OnRest>>
      nodes(field.grid, components, fetch_root, on_join, on_rest);
  return sweep<Kind, kDirection>(field, cancel, nodes);
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
    if (i >= kMidAhead) {
      for_ends_of(i - kMidAhead, [&](uint32_t voxel) { components.fetch(voxel); });
    }
    if (i >= kNearAhead)
      for_ends_of(i - kNearAhead, [&](uint32_t voxel) { fetch_root(components.fetch_parent(voxel)); });
    Cell edge{tree[i] / Edges::kTypes, int(tree[i] % Edges::kTypes), 0};
    const uint32_t far_end = edge.base + field.grid.strides[edge.type];
    edge.rank = std::max(components.rank(edge.base), components.rank(far_end));
    components.join(edge.base, far_end, [&](const Join& join) { on_join(edge, join); });
  }
  return {};
}

}  // namespace cutloss::cpu
