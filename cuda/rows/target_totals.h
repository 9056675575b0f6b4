// The pass over the targets: it checks and weighs them before anything is written. Each block leaves its totals, to be
// added up in the order of the blocks.
#pragma once

#include <cuda_runtime.h>

#include "cuda/rows/tiling.h"
#include "engine/row_loss.h"

namespace cutloss::cuda {

/// Of the rows of one block, or of all.
struct TargetTotals {
  static constexpr int64_t kNoRow = INT64_MAX;

  double weight = 0;    // of the rows that count
  int64_t counted = 0;  // how many they are
  int64_t first_bad = kNoRow;
  int64_t bad_value = 0;

  CUTLOSS_HD void add(const TargetTotals& other) {
    weight += other.weight;
    counted += other.counted;
    if (other.first_bad < first_bad) {
      first_bad = other.first_bad;
      bad_value = other.bad_value;
    }
  }
};

/// `totals` has room for one of each of the `blocks`; see tile_targets().
cudaError_t launch_row_targets(const RowLoss& loss, int blocks, TargetTotals* totals, cudaStream_t stream);

/// All that the blocks left, added up in each warp.
__device__ __forceinline__ TargetTotals all_target_totals(const TargetTotals* of_blocks, int blocks) {
  TargetTotals totals;
  for (int i = threadIdx.x % kWarp; i < blocks; i += kWarp) totals.add(of_blocks[i]);
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    TargetTotals other;
    other.weight = __shfl_xor_sync(~0u, totals.weight, distance);
    other.counted = __shfl_xor_sync(~0u, totals.counted, distance);
    other.first_bad = __shfl_xor_sync(~0u, totals.first_bad, distance);
    totals.add(other);
  }
  return totals;
}

}  // namespace cutloss::cuda
