// How a list is cut among blocks, as pure functions. Blocks take contiguous chunks, so that what they count can be
// added up in the order of the items.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cutloss::cuda {

inline constexpr int kBlockThreads = 256;
inline constexpr int kMostBlocks = 1024;
inline constexpr uint32_t kItemsPerBlock = 2048;

// What is no larger than this, one block finishes by itself in one launch, however many steps it takes.
inline constexpr uint32_t kOneBlockItems = 2 * kItemsPerBlock;

constexpr int tile_items(uint64_t items, uint32_t items_per_block, int multiprocessors) {
  const uint64_t wanted = (items + items_per_block - 1) / items_per_block;
  const uint64_t most = std::min<uint64_t>(kMostBlocks, 8 * static_cast<uint64_t>(multiprocessors));
  return static_cast<int>(std::clamp<uint64_t>(wanted, 1, most));
}

constexpr int bits_of_count(uint64_t count) {
  int bits = 0;
  while (count >> bits) ++bits;
  return bits;
}

}  // namespace cutloss::cuda
