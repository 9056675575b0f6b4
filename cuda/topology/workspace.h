// The topology engine's memory, asked for once per call: what a forest needs while it grows gives way to what its
// chains need, and that to the bars. Sizes are per node of all grids; with a comparison there are three per pixel.
#pragma once

#include "cuda/cutter.h"
#include "cuda/topology/bars.h"
#include "cuda/topology/tiling.h"

namespace cutloss::cuda {

template <int kAxes>
struct Workspace {
  // for the whole call
  uint32_t* ranks;
  uint32_t* earliest;
  LoadReport* report;
  ForestCounts* counts;
  uint32_t *block_counts, *block_live;
  uint32_t* sort_counts;
  uint32_t *current, *few;
  Key* block_elders;
  uint32_t* block_begins;
  ItemSums* sums;
  double* losses;
  double* slopes;
  uint32_t* marks;

  // forests
  uint32_t *pick, *up, *root_of;
  Key* best;
  uint32_t *component, *spare, *list;

  // chains, in the place of those
  Pairs pairs, other;
  uint32_t* owners;
  Deaths deaths;

  // elders and bars, in the place of up and root_of, and of pick
  uint32_t* totals[kMostOrders];
  uint32_t *mates, *numbers;
  double *node_slopes, *joint_slopes;

  size_t bytes;

  /// What a forest of `graph` is grown in.
  template <class GraphOf>
  Forest<GraphOf> forest(const GraphOf& graph) const {
    Forest<GraphOf> f = {};
    f.graph = graph;
    f.pick = pick, f.up = up, f.root_of = root_of;
    f.best = best, f.component = component, f.spare = spare, f.list = list;
    f.current = current, f.few = few;
    f.block_live = block_live, f.block_counts = block_counts, f.counts = counts;
    return f;
  }

  static Workspace cut(void* memory, const Fields<kAxes>& fields, int64_t all_items, int slices, bool slopes_wanted) {
    const uint64_t nodes = fields.nodes(), joints = nodes * kAxes, voxels = uint64_t{fields.items} * fields.places();
    Workspace w = {};
    Cutter all(memory);
    w.ranks = all.take<uint32_t>(nodes);
    w.earliest = all.take<uint32_t>(2 * fields.items);
    w.report = all.take<LoadReport>(1);
    w.counts = all.take<ForestCounts>(1);
    const uint64_t blocks = std::max<uint64_t>(kMostBlocks, uint64_t{fields.items} * slices);
    w.block_counts = all.take<uint32_t>(blocks);
    w.block_live = all.take<uint32_t>(kMostBlocks);
    w.sort_counts = all.take<uint32_t>(kSortCountsBytes / 4);
    w.current = all.take<uint32_t>(kOneBlockComponents);
    w.few = all.take<uint32_t>(kOneBlockItems);
    w.block_elders = all.take<Key>(kMostBlocks * kMostOrders);
    w.block_begins = all.take<uint32_t>(kMostBlocks);
    w.sums = all.take<ItemSums>(kAxes * uint64_t{fields.items} * slices);
    w.losses = all.take<double>(all_items);
    w.slopes = all.take<double>(slopes_wanted ? voxels : 0);
    w.marks = all.take<uint32_t>(kAxes == 2 ? joints / 32 + 1 : 0);

    Cutter forest = all.over(), bars = all.over();
    w.pick = forest.take<uint32_t>(2 * nodes);
    Cutter elders = forest.over();
    w.up = forest.take<uint32_t>(2 * nodes);
    w.root_of = forest.take<uint32_t>(nodes);
    Cutter chains = forest.over();
    w.best = forest.take<Key>(nodes);
    w.component = forest.take<uint32_t>(nodes);
    w.spare = forest.take<uint32_t>(nodes);
    w.list = forest.take<uint32_t>(joints);

    w.deaths.joint = chains.take<uint32_t>(2 * nodes);
    w.deaths.image = w.deaths.joint + nodes;
    w.pairs = {chains.take<uint32_t>(nodes), chains.take<uint32_t>(nodes)};
    Cutter owners = chains.over();
    w.owners = owners.take<uint32_t>(joints);
    w.other = {chains.take<uint32_t>(nodes), chains.take<uint32_t>(nodes)};
    chains.keep(owners);

    for (uint32_t*& totals : w.totals) totals = elders.take<uint32_t>(nodes);
    if (slopes_wanted) {
      w.node_slopes = bars.take<double>(voxels * (1 + kAxes));
      w.joint_slopes = w.node_slopes + voxels;
    }
    w.mates = w.pairs.keys;
    w.numbers = w.pairs.values;

    for (const Cutter* stage : {&forest, &chains, &elders, &bars}) all.keep(*stage);
    w.bytes = all.used();
    return w;
  }
};

}  // namespace cutloss::cuda
