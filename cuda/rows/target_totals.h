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

/// What the reduction multiplies every row's value with, given the sum of the weights of the rows that count.
CUTLOSS_HD double scale_of(const RowLoss& r, double weight) {
  if (r.reduction != int64_t{static_cast<int>(Reduction::kMean)}) return 1;
  const double divisor = r.divisor > 0 ? r.divisor : weight;
  return divisor != 0 ? 1 / divisor : 0;
}

}  // namespace cutloss::cuda
