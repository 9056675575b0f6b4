// How the topology engine cuts its work on a GPU, as pure functions.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/parallel/tiling.h"
#include "math/hd.h"

namespace cutloss::cuda {

inline constexpr uint32_t kOneBlockComponents = 2 * kOneBlockItems;

/// Blocks for each of several items of a batch.
constexpr int tile_each(uint64_t items, uint64_t voxels, uint32_t items_per_block, int multiprocessors) {
  const uint64_t all = tile_items(items * voxels, items_per_block, multiprocessors);
  return static_cast<int>(std::clamp<uint64_t>(all / std::max<uint64_t>(items, 1), 1, 64));
}

/// A launch follows a pointer this often.
inline constexpr int kHops = 64;

/// Launches until every pointer of a tree of `count` nodes is at its root, however high the tree; the first of them
/// does other things beside.
CUTLOSS_HD constexpr int jumps_for(uint32_t count) {
  int jumps = 2;
  for (uint64_t reach = uint64_t{kHops} * kHops; reach < count; reach *= kHops) ++jumps;
  return jumps;
}

/// How many launches Betti matching in 2-D takes at most, whatever the fields: a forest for each dimension. Of every
/// grid at most half the supervertices of a level are left on the next.
constexpr int64_t most_launches(uint64_t places, uint64_t grids) {
  constexpr int64_t kLarge = 2, kSmall = 2, kScan = 2, kSort = 2 * 3 * 4, kOfDimension = 21, kOfCall = 9;
  int64_t rounds = 0;
  for (uint64_t of_grid = places; of_grid > 1; of_grid /= 2) {
    const uint64_t level = of_grid * grids;
    rounds += level > kOneBlockComponents ? kLarge + jumps_for(static_cast<uint32_t>(level)) : kSmall;
    rounds += kScan;
  }
  return kOfCall + 2 * (rounds + kSort + kOfDimension);
}

/// And how many rounds a forest takes.
constexpr int64_t most_rounds(uint64_t places) { return bits_of_count(places) - 1; }

/// Of the workspace, what does not grow with the fields.
inline constexpr size_t kFixedTopologyBytes = size_t{2} << 20;

}  // namespace cutloss::cuda
