// What the kernels of the rows engine are given, what they leave behind, and their launchers. A pass is three steps on
// one stream: the targets are checked and weighed; the rows are computed unless a target was bad, so that nothing is
// written then; the host adds up what the blocks left, in the order of the blocks.
#pragma once

#include <cuda_runtime.h>

#include "cuda/rows/target_totals.h"
#include "engine/rows.h"
#include "math/rows/softmax.h"
#include "math/rows/transform.h"

namespace cutloss::cuda {

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

/// The loss and what is asked for by row.
cudaError_t launch_row_statistics(const RowPass& pass, cudaStream_t stream);

/// The same and the gradient. It sweeps a row, then writes the gradient of that row, whose logits are read again
/// while the caches still have them.
cudaError_t launch_row_gradient(const RowPass& pass, cudaStream_t stream);

}  // namespace cutloss::cuda
