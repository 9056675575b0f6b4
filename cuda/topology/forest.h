// Borůvka's minimum spanning forest, with what the merge tree needs of it. In each round every supervertex of a level
// picks its least live joint and hooks itself to the other end; what hangs together is a supervertex of the next level.
// Supervertices are numbered through all levels, the nodes being level 0; no level has more than half of the last.
//
// The forest's joints are the picks of all supervertices but the roots: of the two that pick the same joint, the
// smaller is the root. So a joint is named by who picked it, and the root is its second picker if it picked the same.
#pragma once

#include "cuda/topology/graph.h"
#include "cuda/topology/sort.h"

namespace cutloss::cuda {

constexpr int kMostLevels = 34;

/// What only the GPU knows.
struct ForestCounts {
  uint32_t supervertices;            // of the level to come
  uint32_t live;                     // joints between them
  uint32_t levels;                   // so far
  uint32_t joints;                   // of the forest
  uint32_t begins[kMostLevels + 1];  // of the levels among supervertices; one more ends the last
  uint32_t orders[kMostLevels + 1];  // of the levels among the forest's joints, in the order of chains
};

struct Level {
  uint32_t number;
  uint32_t begin;  // its first supervertex
  uint32_t count;
  uint32_t live;         // joints in the list
  const uint32_t* list;  // null: all joints there are
  uint32_t* next_list;

  CUTLOSS_HD uint32_t end() const { return begin + count; }
  CUTLOSS_HD Level next(const ForestCounts& counts, uint32_t* const (&lists)[2]) const {
    uint32_t* other = next_list == lists[0] ? lists[1] : lists[0];
    return {number + 1, end(), counts.supervertices, counts.live, next_list, other};
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
  Key* best;            // [nodes]: of a level's supervertices; afterwards their new numbers, and room for jumps
  uint32_t* component;  // [nodes]: a node's supervertex within the level; kNone where its tree is finished
  uint32_t* lists[2];   // [most_live()]: live joints
  uint32_t* current;    // [kOneBlockComponents]

  uint32_t* block_counts;  // [kMostTopologyBlocks]
  ForestCounts* counts;

  CUTLOSS_HD uint32_t& root(uint32_t supervertex) const { return root_of[supervertex - graph.nodes()]; }
  /// The second picker of a joint; kNone if there is none.
  CUTLOSS_HD uint32_t other_picker(uint32_t picker) const {
    const uint32_t root_there = root(up[picker]);
    return pick[root_there] == pick[picker] ? root_there : kNone;
  }
};

/// Joints that may be live after the first round, in which at least half as many as there are nodes are used up.
constexpr uint64_t most_live(uint64_t nodes, uint64_t joints) { return joints - nodes / 2 + 1; }

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
