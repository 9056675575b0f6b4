// How the topology engine cuts its work on a GPU, as pure functions. Blocks take contiguous chunks, so that what they
// count can be added up in the order of the items.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cutloss::cuda {

inline constexpr int kTopologyThreads = 256;
inline constexpr int kMostTopologyBlocks = 1024;
inline constexpr uint32_t kItemsPerBlock = 2048;

// What is no larger than this, one block finishes by itself in one launch, however many steps it takes.
inline constexpr uint32_t kOneBlockItems = 2 * kItemsPerBlock;
inline constexpr uint32_t kOneBlockComponents = 2 * kOneBlockItems;

constexpr int tile_topology(uint64_t items, int multiprocessors) {
  const uint64_t wanted = (items + kItemsPerBlock - 1) / kItemsPerBlock;
  const uint64_t most = std::min<uint64_t>(kMostTopologyBlocks, 8 * static_cast<uint64_t>(multiprocessors));
  return static_cast<int>(std::clamp<uint64_t>(wanted, 1, most));
}

/// Blocks for each of several items of a batch.
constexpr int tile_each(uint64_t items, uint64_t voxels, int multiprocessors) {
  const uint64_t all = tile_topology(items * voxels, multiprocessors);
  return static_cast<int>(std::clamp<uint64_t>(all / std::max<uint64_t>(items, 1), 1, 64));
}

constexpr int bits_of_count(uint64_t count) {
  int bits = 0;
  while (count >> bits) ++bits;
  return bits;
}

/// A launch follows a pointer this often.
inline constexpr int kHops = 32;

/// Launches until every pointer of a tree of `count` nodes is at its root, however high the tree: an even number,
/// because they go back and forth between two arrays.
constexpr int jumps_for(uint32_t count) {
  int jumps = 2;
  for (uint64_t reach = uint64_t{kHops} * kHops; reach < count; reach *= kHops * kHops) jumps += 2;
  return jumps;
}

}  // namespace cutloss::cuda
