// Checks every target and weighs the rows, before anything is written. Each block leaves its totals; the kernels over
// rows add them up in the order of the blocks, and write nothing where a target was bad.
#include "cuda/launch.h"
#include "cuda/rows/target_totals.h"
#include "cuda/rows/team.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {
inline namespace in_row_targets {

__device__ void weigh(const RowLoss& r, const RowTargets& targets, int64_t row, TargetTotals* totals) {
  double weight = r.weights ? r.weights.as<const float>()[row] : 1;
  if (r.probability_targets()) {
    if (targets.source(row) == RowTargets::kNone) return;
  } else {
    const int64_t id = targets.id(row);
    if (id == RowTargets::kNone) return;
    if (id == RowTargets::kBad) {
      totals->add({0, 0, row, 0});
      return;
    }
    if (r.class_weights) weight *= r.class_weights.as<const float>()[id];
  }
  totals->add({weight, 1, TargetTotals::kNoRow, 0});
}

__global__ void __launch_bounds__(kTargetThreads) row_targets_kernel(const RowLoss r, TargetTotals* left) {
  const RowTargets targets(r);
  TargetTotals totals;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t row = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; row < r.rows; row += stride) {
    weigh(r, targets, row, &totals);
  }

  Team block(blockDim.x);
  totals.weight = block.sum(totals.weight);
  totals.counted = block.reduce(totals.counted, [](int64_t a, int64_t b) { return a + b; });
  totals.first_bad = block.reduce(totals.first_bad, [](int64_t a, int64_t b) { return a < b ? a : b; });
  if (threadIdx.x != 0) return;
  if (totals.first_bad != TargetTotals::kNoRow) totals.bad_value = targets.value(totals.first_bad);
  left[blockIdx.x] = totals;
}

}  // namespace in_row_targets

cudaError_t launch_row_targets(const RowLoss& loss, int blocks, TargetTotals* totals, cudaStream_t stream) {
  return launch(row_targets_kernel, blocks, kTargetThreads, Team::kSharedBytes, stream, loss, totals);
}

}  // namespace cutloss::cuda
