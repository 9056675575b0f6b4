// What a row loss asks of each row, read from the request where its views name the GPU's memory; and what the pass over
// targets found. For kernels, of rows of logits that exist and for those that are never built.
#pragma once

#include "cuda/rows/target_totals.h"
#include "engine/row_targets.h"
#include "math/rows/softmax.h"

namespace cutloss::cuda {

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

/// `id` is the row's target, if it is a class.
__device__ __forceinline__ math::RowContext row_context(const RowLoss& r, int64_t row, int64_t id, double target_logit,
                                                        double scale) {
  math::RowContext c = {};
  c.target_logit = target_logit;
  c.class_weight = id >= 0 && r.class_weights ? r.class_weights.as<const float>()[id] : 1;
  c.weight = r.weights ? r.weights.as<const float>()[row] : 1;
  c.upstream = scale * (r.upstream_scale * (r.upstream ? r.upstream.as<const float>()[row] : 1));
  if (id >= 0 && r.objective == math::kGivenObjective) {
    c.given = {r.objective_loss.as<const float>()[row], r.objective_weights.as<const float>()[row]};
  }
  return c;
}

__device__ __forceinline__ void write_row_outputs(const RowLoss& r, int64_t row, const math::RowOutcome& o,
                                                  int32_t largest) {
  if (r.per_item) r.per_item.as<float>()[row] = static_cast<float>(o.value);
  if (r.log_prob) r.log_prob.as<float>()[row] = static_cast<float>(o.log_p);
  if (r.lse) r.lse.as<float>()[row] = static_cast<float>(o.lse.value());
  if (r.entropy) r.entropy.as<float>()[row] = static_cast<float>(o.entropy);
  if (r.argmax) r.argmax.as<int32_t>()[row] = largest;
}

}  // namespace cutloss::cuda
