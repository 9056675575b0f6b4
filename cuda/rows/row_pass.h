// What the kernels of the rows engine are given, what they leave behind, and their launchers. A pass is three steps on
// one stream: the targets are checked and weighed; the rows are computed unless a target was bad, so that nothing is
// written then; the host adds up what the blocks left, in the order of the blocks.
#pragma once

#include <cuda_runtime.h>

#include "cuda/rows/tiling.h"
#include "engine/rows.h"
#include "math/rows/softmax.h"
#include "math/rows/transform.h"

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

struct RowPass {
  RowsRequest request;  // its views name memory of this GPU
  math::RowFormula formula;
  math::LogitTransform transform;
  bool plain;         // softmax as it stands
  bool wants_labels;  // smoothing, or probability targets
  RowTiling tiling;
  int target_blocks;
  TargetTotals* target_totals;  // [target_blocks]
  double* losses;               // [tiling.blocks]
};

cudaError_t launch_row_targets(const RowPass& pass, cudaStream_t stream);

/// The loss and what is asked for by row.
cudaError_t launch_row_statistics(const RowPass& pass, cudaStream_t stream);

/// The same and the gradient. It sweeps a row, then writes the gradient of that row, whose logits are read again
/// while the caches still have them.
cudaError_t launch_row_gradient(const RowPass& pass, cudaStream_t stream);

}  // namespace cutloss::cuda
