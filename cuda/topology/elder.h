// The elder rule on chains. Who dies at a joint is the younger of what its two sides have as elders: along a chain,
// that is the elder of all joints before, and the elder of the chain that the joint's picker is. So each level is one
// minimum scan along its chains, over what lower levels left, and the height of the merge tree does not matter.
//
// Image bars are the deaths of the same tree's joints when elders are chosen by another field: one more key in the same
// scan. Keys are those of nodes: the smaller the elder.
#pragma once

#include "cuda/topology/forest.h"

namespace cutloss::cuda {

constexpr int kMostOrders = 3;

/// What dies where, as matching needs it; both are [nodes], one behind the other, and kNone at first.
struct Deaths {
  uint32_t* joint;  // by node: the joint at which it dies, if that is a bar
  // Of two fields and a comparison. Voxels: where prediction and target stand, who of them dies when the comparison's
  // node at that place does. Top cells: by who dies under the comparison, who of this field does.
  uint32_t* image;
  double least;  // bars of the prediction that are shorter are none
};

template <class GraphOf>
struct Elders {
  GraphOf graph;
  const uint32_t* pick;  // by supervertex
  Chains chains;
  Deaths deaths;
  uint32_t* totals[kMostOrders];  // [nodes]: of supervertices from level 1 on, the elder
  Key* block_elders;              // [kMostBlocks, kMostOrders]: of a chunk, from the last beginning of a chain on
  uint32_t* block_begins;         // [kMostBlocks]: whether a chain begins in the chunk
};

/// How many levels took launches of their own. `counts_there` is the GPU's copy of counts.
template <class GraphOf>
uint32_t find_deaths(Sequence& sequence, const Elders<GraphOf>& elders, const ForestCounts& counts,
                     const ForestCounts* counts_there);

}  // namespace cutloss::cuda
