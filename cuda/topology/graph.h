// The graphs whose minimum spanning forests are the merge trees: voxels joined by edges as they appear, and backwards,
// top cells joined by walls, with one node for everything outside. A batch is one graph that is not connected: the
// grids of all fields stand one behind the other, and so do the numbers of their nodes and joints.
//
// A joint's key is unique and ascends in the order in which joints happen.
#pragma once

#include "math/cubical/cells.h"
#include "math/cubical/rank.h"

namespace cutloss::cuda {

using Key = unsigned long long;  // as atomicMin wants it
constexpr Key kNoKey = ~Key{0};
constexpr uint32_t kNone = 0xffffffffu;

/// The grids of a batch: for each item the field, or prediction, target and comparison.
template <int kAxes>
struct Fields {
  math::Grid<kAxes> grid;
  uint32_t items;
  uint32_t per_item;  // 1 or 3
  uint32_t* ranks;    // [items, per_item, places], math::kNever in guards

  CUTLOSS_HD uint32_t places() const { return grid.places; }
  CUTLOSS_HD uint32_t nodes() const { return items * per_item * grid.places; }
  CUTLOSS_HD uint32_t which(uint32_t node) const { return node / grid.places % per_item; }
};

constexpr uint32_t kPrediction = 0, kTarget = 1, kComparison = 2;

enum class Merging { kVoxels, kTopCells };

template <int kAxesOf, Merging kMerging>
struct Graph {
  static constexpr int kAxes = kAxesOf;
  static constexpr bool kDual = kMerging == Merging::kTopCells;
  static constexpr uint32_t kTypes = kAxes;
  using Joint = math::Cells<kAxes, kDual ? kAxes - 1 : 1>;
  using TopCell = math::TopCells<kAxes>;

  Fields<kAxes> fields;
  const uint32_t* left_out;  // a bit for each joint that is none; or null

  CUTLOSS_HD uint32_t nodes() const { return fields.nodes(); }
  CUTLOSS_HD uint32_t joints() const { return fields.nodes() * kTypes; }

  CUTLOSS_HD uint32_t rank_of_joint(uint32_t joint) const {
    const uint32_t base = joint / kTypes;
    if (fields.ranks[base] == math::kNever) return math::kNever;
    return Joint::rank(fields.grid, fields.ranks, base, joint % kTypes);
  }
  CUTLOSS_HD bool exists(uint32_t joint) const {
    if (left_out && left_out[joint / 32] >> joint % 32 & 1) return false;
    return rank_of_joint(joint) != math::kNever;
  }
  CUTLOSS_HD uint32_t rank_of_node(uint32_t node) const {
    if (!kDual || fields.ranks[node] == math::kNever) return fields.ranks[node];
    return TopCell::rank(fields.grid, fields.ranks, node, 0);
  }

  /// Number and rank as one key: the earlier (backwards: the later) the smaller.
  CUTLOSS_HD static Key key(uint32_t rank, uint32_t number) {
    const Key ascending = Key{rank} << 32 | number;
    return kDual ? ~ascending : ascending;
  }
  CUTLOSS_HD static uint32_t number_of(Key key) { return static_cast<uint32_t>(kDual ? ~key : key); }
  CUTLOSS_HD Key key_of_joint(uint32_t joint) const { return key(rank_of_joint(joint), joint); }

  /// The node that a place is: guards and places without a top cell are the outside, whose rank kNever makes it eldest.
  CUTLOSS_HD uint32_t node_at(uint32_t place) const {
    if (!kDual || rank_of_node(place) != math::kNever) return place;
    return place - place % fields.places();
  }
  CUTLOSS_HD uint32_t first_place(uint32_t joint) const {
    const uint32_t base = joint / kTypes;
    return kDual ? base - fields.grid.strides[math::normal_axis<kAxes>(joint % kTypes)] : base;
  }
  CUTLOSS_HD uint32_t second_place(uint32_t joint) const {
    const uint32_t base = joint / kTypes;
    return kDual ? base : base + fields.grid.strides[joint % kTypes];
  }

  /// The voxels at which a bar begins and ends: one for its node, one for the joint at which it merged.
  CUTLOSS_HD uint32_t voxel_of_node(uint32_t node) const {
    return kDual ? TopCell::voxel(fields.grid, fields.ranks, node, 0) : node;
  }
  CUTLOSS_HD uint32_t voxel_of_joint(uint32_t joint) const {
    return Joint::voxel(fields.grid, fields.ranks, joint / kTypes, joint % kTypes);
  }
  CUTLOSS_HD uint32_t birth(uint32_t node, uint32_t joint) const {
    return kDual ? voxel_of_joint(joint) : voxel_of_node(node);
  }
  CUTLOSS_HD uint32_t death(uint32_t node, uint32_t joint) const {
    return kDual ? voxel_of_node(node) : voxel_of_joint(joint);
  }
};

}  // namespace cutloss::cuda
