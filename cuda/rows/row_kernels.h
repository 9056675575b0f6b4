// The kernels over rows, for one storage type: statistics, row formula (math/rows/softmax.h, in double), outputs, and
// the gradient in the second kernel. A block takes every gridDim-th group of rows, always the same.
#pragma once

#include "cuda/launch.h"
#include "cuda/rows/general_row.h"
#include "cuda/rows/plain_row.h"
#include "cuda/rows/row_loss.h"
#include "cuda/rows/row_pass.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {

/// What the gradient of a row needs of all that went before.
struct GradientPlan {
  math::RowOutcome outcome;
  math::ExpShift shift;  // plain rows
  bool zero;             // whatever the logits
};

/// The first of the largest; not-a-number is larger than anything.
template <class T>
__device__ int64_t argmax(const T* row, int64_t count, Team& team) {
  uint64_t best = 0;
  read_row(row, count, team, [&]<int kCount>(const float(&values)[kCount], int64_t at) {
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      const float v = values[k] == 0 ? 0.f : values[k];
      const uint32_t bits = math::bits_of(v);
      const uint32_t rank = v != v ? ~0u : bits & 0x80000000u ? ~bits : bits | 0x80000000u;
      const uint64_t key = uint64_t{rank} << 32 | static_cast<uint32_t>(~(at + k));
      best = key > best ? key : best;
    }
  });
  best = team.reduce(best, [](uint64_t a, uint64_t b) { return a > b ? a : b; });
  return static_cast<uint32_t>(~best);
}

/// One row of a pass: who its target is and what the request says about it.
template <class T>
class Row {
 public:
  __device__ Row(const RowPass& pass, int64_t row, double scale)
      : pass_(pass), r_(pass.request), row_(row), scale_(scale), there_(row < r_.rows) {
    const RowTargets targets(r_);
    logits_ = r_.logits.as<const T>() + (there_ ? row * r_.classes : 0);
    if (!there_) return;
    if (r_.probability_targets()) {
      labels_ = targets.labels(row);
    } else {
      id_ = targets.id(row);
    }
  }

  __device__ bool counts() const { return id_ >= 0 || labels_; }
  __device__ int64_t classes() const { return there_ ? r_.classes : 0; }

  __device__ math::RowStatistics statistics(Team& team) const {
    const int64_t count = is_read() ? r_.classes : 0;
    return pass_.plain ? plain_statistics(logits_, count, id_, team)
                       : general_statistics(logits_, count, id_, labels_, pass_, team);
  }

  __device__ GradientPlan plan(const math::RowStatistics& s) const {
    GradientPlan plan = {};
    math::RowOutcome& o = plan.outcome;
    double most = s.max;
    if (id_ >= 0) {
      const double target_logit = pass_.transform.at(math::widen(logits_[id_])).z;
      o = math::id_row(s, pass_.formula, row_context(r_, row_, id_, target_logit, scale_));
      most = most > target_logit ? most : target_logit;
    } else if (labels_) {
      o = math::probability_row(s, pass_.formula, row_context(r_, row_, RowTargets::kNone, 0, scale_));
    } else if (is_read()) {
      o = math::ignored_row(s);
    }
    plan.zero = !counts() || (o.softmax == 0 && o.labels == 0 && o.target == 0);
    if (pass_.plain && o.softmax != 0)
      plan.shift = math::ExpShift::of(static_cast<float>(most), o.lse.anchor, o.lse.excess, o.softmax);
    return plan;
  }

  __device__ int64_t largest(Team& team) const { return argmax(logits_, counts() ? r_.classes : 0, team); }

  __device__ void write_outputs(const math::RowOutcome& o, int64_t largest) const {
    if (there_) write_row_outputs(r_, row_, o, counts() ? static_cast<int32_t>(largest) : -1);
  }

  __device__ void write_gradient(const GradientPlan& plan, const Team& team) const {
    T* gradient = r_.gradient.as<T>() + (there_ ? row_ * r_.classes : 0);
    const math::RowOutcome& o = plan.outcome;
    if (plan.zero) {
      write_row(logits_, gradient, classes(), team, []<int kCount>(float(&values)[kCount], int64_t) {
        for (float& value : values) value = 0;
      });
    } else if (pass_.plain) {
      plain_gradient(logits_, gradient, classes(), id_, o, plan.shift, team);
    } else {
      general_gradient(logits_, gradient, classes(), id_, labels_, o, pass_, team);
    }
  }

 private:
  __device__ bool is_read() const { return there_ && (counts() || r_.lse || r_.entropy); }

  const RowPass& pass_;
  const RowsRequest& r_;
  int64_t row_;
  double scale_;
  bool there_;
  const T* logits_;
  int64_t id_ = RowTargets::kNone;
  const void* labels_ = nullptr;
};

template <class T, bool kGradient>
__device__ __forceinline__ void compute_rows(const RowPass& pass) {
  const TargetTotals totals = all_target_totals(pass.target_totals, pass.target_blocks);
  if (totals.first_bad != TargetTotals::kNoRow) return;
  const double scale = scale_of(pass.request, totals.weight);

  Team team(pass.tiling.team);
  const int64_t teams = pass.tiling.teams();
  double loss = 0;
  for (int64_t first = blockIdx.x * teams; first < pass.request.rows; first += gridDim.x * teams) {
    const Row<T> row(pass, first + team.index(), scale);
    const math::RowStatistics statistics = row.statistics(team);
    const int64_t largest = pass.request.argmax ? row.largest(team) : 0;
    GradientPlan plan = {};
    if (team.leads()) plan = row.plan(statistics);
    if (team.rank() == 0) {
      loss += plan.outcome.value;
      row.write_outputs(plan.outcome, largest);
    }
    if constexpr (kGradient) {
      plan = team.broadcast(plan);  // behind which the gradient may replace the logits: the target's have been read
      row.write_gradient(plan, team);
    }
  }

  __syncthreads();  // all are done with what the teams shared
  Team block(blockDim.x);
  loss = block.sum(loss);
  if (threadIdx.x == 0) pass.losses[blockIdx.x] = loss * scale;
}

template <class T>
__global__ void __launch_bounds__(kMostRowThreads, kResidentRowBlocks) row_statistics_kernel(const RowPass pass) {
  compute_rows<T, false>(pass);
}

template <class T>
__global__ void __launch_bounds__(kMostRowThreads, kResidentRowBlocks) row_gradient_kernel(const RowPass pass) {
  compute_rows<T, true>(pass);
}

template <class T>
cudaError_t start_row_statistics(const RowPass& pass, cudaStream_t stream) {
  return launch(row_statistics_kernel<T>, pass.tiling.blocks, pass.tiling.threads, Team::kSharedBytes, stream, pass);
}

template <class T>
cudaError_t start_row_gradient(const RowPass& pass, cudaStream_t stream) {
  return launch(row_gradient_kernel<T>, pass.tiling.blocks, pass.tiling.threads, Team::kSharedBytes, stream, pass);
}

}  // namespace cutloss::cuda
