// From the partial results of a row to its loss, its outputs and what its gradient needs: one thread per row, in
// double, by the formulas of math/rows/softmax.h, the parts in fixed order.
#include <cfloat>

#include "cuda/cut_rows/cut_pass.h"
#include "cuda/launch.h"
#include "cuda/rows/row_loss.h"
#include "cuda/rows/team.h"

namespace cutloss::cuda {
inline namespace in_finish_rows {

struct WholeRow {
  math::RowStatistics statistics;
  int32_t largest;
};

__device__ WholeRow whole_row(const CutPass& pass, int64_t row) {
  const auto part = [&](int i) -> const CutPartial& { return pass.partials[i * pass.request.rows + row]; };
  WholeRow whole = {};
  math::RowStatistics& s = whole.statistics;
  CutPartial best;
  s.max = -INFINITY;
  for (int i = 0; i < pass.parts; ++i) {
    s.max = fmax(s.max, static_cast<double>(part(i).max));
    best.offer(part(i).best, part(i).best_at);
  }
  for (int i = 0; i < pass.parts; ++i) {
    const CutPartial& p = part(i);
    s.labels += p.labels;
    s.labelled_gap += p.labelled + p.labels * (p.anchor() - s.label_anchor());
    const double gap = p.max - s.max, shrink = p.max == -INFINITY ? 1 : exp(gap);
    s.sum += p.sum * shrink;
    s.weighted_max_gap += shrink > 0 && p.max != -INFINITY ? (p.gaps + gap * p.sum) * shrink : 0;
  }
  whole.largest = best.best_at == INT32_MAX ? 0 : best.best_at;
  return whole;
}

/// The z below which |softmax exp(z - lse)| + |labels| < threshold, with room for the rounding of the element's own
/// test.
__device__ float cut_of(const math::RowOutcome& o, float threshold) {
  constexpr double kRoom = 1e-4;
  const double left = threshold - fabs(o.labels);
  if (!(left > 0)) return -INFINITY;
  if (o.softmax == 0) return INFINITY;
  const double cut = o.lse.value() + log(left / fabs(o.softmax)) - kRoom;
  return nextafterf(static_cast<float>(cut), -INFINITY);
}

__global__ void __launch_bounds__(kFinishThreads) finish_rows_kernel(const CutPass pass) {
  const CutRowsRequest& r = pass.request;
  const RowTargets targets(r);
  const math::LogitTransform cap = {1, r.softcap};
  CutLeft left = {};
  for (int64_t row = int64_t{blockIdx.x} * kFinishThreads + threadIdx.x; row < r.rows;
       row += int64_t{gridDim.x} * kFinishThreads) {
    const WholeRow whole = whole_row(pass, row);
    const int64_t id = targets.id(row);
    math::RowOutcome o;
    math::LogitTransform::Result target = {-INFINITY, 0};
    if (id >= 0) {
      target = cap.at(pass.target_logits[row]);
      o = math::id_row(whole.statistics, pass.formula, row_context(r, row, id, target.z, pass.scale));
    } else {
      o = math::ignored_row(whole.statistics);
    }
    write_row_outputs(r, row, o, id >= 0 ? whole.largest : -1);
    left.loss += o.value;
    left.largest_weight = fmax(left.largest_weight, fabs(o.softmax));

    CutRow plan = {};
    plan.target = static_cast<int32_t>(pass.place_at(id));
    plan.live = o.softmax != 0;
    plan.labels = static_cast<float>(o.labels);
    plan.target_slope = static_cast<float>(o.target * target.slope);
    plan.threshold = static_cast<float>(r.filter_eps * fabs(o.softmax));
    if (plan.threshold < FLT_MIN) plan.threshold = FLT_MIN;
    if (pass.tile_maxima) plan.cut = cut_of(o, plan.threshold);
    if (plan.live) {
      const double most = whole.statistics.max > target.z ? whole.statistics.max : target.z;
      plan.shift = math::ExpShift::of(static_cast<float>(most), o.lse.anchor, o.lse.excess, o.softmax);
    }
    pass.rows[row] = plan;
    // Under a softcap not even infinities show in the log-sum-exp.
    left.poisoned += !plan.live && plan.labels == 0 && (r.softcap > 0 || !(fabs(o.lse.value()) < INFINITY));
  }

  Team block(kFinishThreads);
  left.loss = block.sum(left.loss);
  left.largest_weight = block.max(left.largest_weight);
  left.poisoned = block.sum(left.poisoned);
  if (threadIdx.x == 0) pass.left[blockIdx.x] = left;
}

}  // namespace in_finish_rows

cudaError_t launch_finish_rows(const CutPass& pass, cudaStream_t stream) {
  return launch(finish_rows_kernel, pass.finish_blocks, kFinishThreads, Team::kSharedBytes, stream, pass);
}

}  // namespace cutloss::cuda
