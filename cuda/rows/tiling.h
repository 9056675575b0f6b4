// How the rows engine cuts its work on a GPU, as pure functions: how many threads share a row, how many make a block,
// how many blocks a launch has. Only the last depends on the machine.
#pragma once

#include <algorithm>
#include <cstdint>

#include "math/hd.h"

namespace cutloss::cuda {

inline constexpr int kWarp = 32;
// Small blocks: while one works out a row's formula, on which the rest of it waits, the others keep the memory busy.
inline constexpr int kMostRowThreads = 128;
inline constexpr int kResidentRowBlocks = 4;  // of a multiprocessor, at up to 128 registers for each thread
inline constexpr int kTargetThreads = 256;

struct RowTiling {
  int team;     // threads that share a row: a power of two, up to a warp; or a whole block
  int threads;  // of a block
  int blocks;

  CUTLOSS_HD constexpr int teams() const { return threads / team; }
};

CUTLOSS_HD constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int power_of_two_at_least(int64_t n) {
  int power = 1;
  while (power < n) power *= 2;
  return power;
}

/// Few classes: about four of them per thread, so that even rows of two fill their warps. Many: about four 16-byte
/// loads per thread, which is how many it has in flight.
constexpr int team_size(int64_t classes, int64_t element_size) {
  constexpr int64_t kOneWarp = 1024;
  if (classes <= kOneWarp) return std::min(kWarp, power_of_two_at_least(divide_up(classes, 4)));
  const int64_t threads = std::min<int64_t>(classes * element_size / 64, kMostRowThreads);
  return std::max(2 * kWarp, power_of_two_at_least(threads));
}

/// Four rounds of resident blocks: enough to even out the end of the launch, few enough that a block keeps what it
/// works out once.
constexpr RowTiling tile_rows(int64_t rows, int64_t classes, int64_t element_size, int multiprocessors) {
  constexpr int kResidentThreads = kResidentRowBlocks * kMostRowThreads, kRounds = 4;
  RowTiling tiling = {};
  tiling.team = team_size(classes, element_size);
  tiling.threads = tiling.team > kWarp ? tiling.team : kMostRowThreads;
  const int64_t wanted = divide_up(rows, tiling.teams());
  const int64_t most = int64_t{kRounds} * multiprocessors * (kResidentThreads / tiling.threads);
  tiling.blocks = static_cast<int>(std::max<int64_t>(1, std::min(wanted, most)));
  return tiling;
}

/// Blocks of the pass over the targets. Every later block adds up what they leave, hence the bound.
constexpr int tile_targets(int64_t rows) {
  constexpr int64_t kMostBlocks = 256, kRowsPerBlock = 4 * kTargetThreads;
  return static_cast<int>(std::clamp<int64_t>(divide_up(rows, kRowsPerBlock), 1, kMostBlocks));
}

}  // namespace cutloss::cuda
