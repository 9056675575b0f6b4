// Borůvka's minimum spanning forest, with what the merge tree needs of it. In each round every supervertex of a level
// picks its least live joint and hooks itself to the other end; what hangs together is a supervertex of the next level.
// Supervertices are numbered through all levels, the nodes being level 0; no level has more than half of the last.
//
// The forest's joints are the picks of all supervertices but the roots: of the two that pick the same joint, the
// smaller is the root. So a joint is named by who picked it, and the root is its second picker if it picked the same.
#pragma once

#include "cuda/parallel/sort.h"
#include "cuda/topology/graph.h"
#include "cuda/topology/tiling.h"

namespace cutloss::cuda {

constexpr int kMostLevels = 34;

/// What only the GPU knows.
struct ForestCounts {
  uint32_t live;                     // joints between supervertices of the last level
  uint32_t levels;                   // so far
  uint32_t joints;                   // of the forest
  uint32_t begins[kMostLevels + 1];  // of the levels among supervertices; one more ends the last
  uint32_t orders[kMostLevels + 1];  // of the levels among the forest's joints, in the order of chains
};

struct Level {
  uint32_t number;
  uint32_t begin;  // its first supervertex
  uint32_t count;

  CUTLOSS_HD static Level last(const ForestCounts& counts) {
    const uint32_t number = counts.levels - 1, begin = counts.begins[number];
    return {number, begin, counts.begins[number + 1] - begin};
  }
  CUTLOSS_HD uint32_t end() const { return begin + count; }
};

/// Where a node finds its supervertex of the level at hand. `component` has that of the level below, because it can be
/// brought up to date only when nobody reads it. Once levels are small it stays as it is, and `current` has the rest.
struct Labels {
  uint32_t* component;
  const uint32_t* up;  // of the level that `component` has, from its first supervertex on; null: nothing above it yet
  uint32_t begin;      // of the level above
  uint32_t* current;   // null: nothing above that

  CUTLOSS_HD uint32_t of(uint32_t node) const {
    uint32_t label = component[node];
    if (up && label != kNone) {
      label = up[label];
      if (label != kNone) label -= begin;
    }
    return current && label != kNone ? current[label] : label;
  }
};

template <class GraphOf>
struct Forest {
  GraphOf graph;

  // by supervertex
  uint32_t* pick;     // [2 nodes]: a joint; kNone where none is left
  uint32_t* up;       // [2 nodes]: the supervertex of the next level; kNone likewise
  uint32_t* root_of;  // [nodes], of levels from 1 on: the supervertex of the last level to which the others hooked

  // while it grows
  Key* best;            // [nodes]: of a level's supervertices; then half of it is their new numbers, half the next best
  uint32_t* component;  // [nodes]: a node's supervertex within a level; kNone where its tree is finished
  uint32_t* spare;      // [nodes]: room for jumps
  uint32_t* list;       // [joints]: live joints, those of each block's chunk at its beginning
  uint32_t* current;    // [kOneBlockComponents]
  uint32_t* few;        // [kOneBlockItems]: live joints, once they are few

  uint32_t* block_live;    // [kMostBlocks]: live joints of each chunk
  uint32_t* block_counts;  // [kMostBlocks]
  ForestCounts* counts;

  CUTLOSS_HD uint32_t& root(uint32_t supervertex) const { return root_of[supervertex - graph.nodes()]; }
  /// The second picker of a joint; kNone if there is none.
  CUTLOSS_HD uint32_t other_picker(uint32_t picker) const {
    const uint32_t root_there = root(up[picker]);
    return pick[root_there] == pick[picker] ? root_there : kNone;
  }
};

/// Makes the forest; *counts is what the GPU has of it in the end.
template <class GraphOf>
Status grow(Sequence& sequence, const Forest<GraphOf>& forest, ForestCounts* counts);

/// The forest's joints in the order in which elders are found: by level, by chain, by key. For each who picked it, the
/// chain as its supervertex, and the second picker.
struct Chains {
  uint32_t* pickers;        // [joints]
  uint32_t* chains;         // [joints]: less the number of nodes
  uint32_t* other_pickers;  // [joints]: of the first joint of each chain; kNone for the others
  uint32_t* spare;          // [joints]: memory that is free now
  uint32_t count;
};

struct ChainMemory {
  Pairs pairs, other;     // [nodes] each
  uint32_t* owners;       // [joints of the graph]; may be the memory of `other`
  uint32_t* marks;        // a bit for each joint of the graph, set if it is in the forest; or null
  uint32_t* sort_counts;  // kSortCountsBytes
};

/// A joint e that was picked in the round that formed supervertex S lies on the chain of the first supervertex from S
/// upwards whose own pick is later than e. A chain's joints lie on one way from a leaf to the root of the merge tree.
template <class GraphOf>
Status order_by_chain(Sequence& sequence, const Forest<GraphOf>& forest, const ChainMemory& memory,
                      ForestCounts* counts, Chains* chains);

}  // namespace cutloss::cuda
