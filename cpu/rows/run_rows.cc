#include "cpu/rows/run_rows.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "cpu/memory.h"
#include "cpu/rows/row_terms.h"
#include "cpu/rows/tiling.h"
#include "cpu/scratch.h"

namespace cutloss::cpu {
namespace {

/// What all rows of a call share, worked out before the first is read.
class RowsRun {
 public:
  RowsRun(RowsRequest& request, const Level& level)
      : r_(request),
        terms_(request),
        sweeps_(level.rows->by_dtype[static_cast<int>(request.logits.dtype)]),
        stride_(request.classes * element_size(request.logits.dtype)),
        stream_(streams_gradient(request.gradient.bytes())) {
    general_ = {r_.classes,         {1 / r_.temperature, r_.softcap},
                r_.label_smoothing, r_.class_weights.as<const float>(),
                r_.targets.dtype,   r_.label_smoothing > 0 || r_.probability_targets()};
    // Class weights reach only the target's element, and so the plain sweep, unless labels are spread over all classes.
    plain_ = !general_.wants_labels && r_.softcap == 0 && r_.temperature == 1 && !r_.entropy;
  }

  Status prepare() {
    return terms_.prepare([](int64_t, int64_t) {});
  }

  /// One row; its value is added to *sum. False if its target was changed to no class since prepare().
  bool row(int64_t row, int64_t last, KeptRow* kept, double* sum) const {
    const char* z = r_.logits.as<const char>() + row * stride_;
    const int64_t id = r_.probability_targets() ? RowTargets::kNone : terms_.targets().id(row);
    if (id == RowTargets::kBad) return false;
    const void* labels = r_.probability_targets() ? terms_.targets().labels(row) : nullptr;
    const bool counts = id >= 0 || labels;
    const bool gradient_only_zero = !counts && !r_.lse && !r_.entropy;

    if (kept && stream_) kept->aligned_with = r_.gradient.as<char>() + row * stride_;

    math::RowOutcome outcome = {};
    double most = 0;
    if (!gradient_only_zero) {
      const RowTarget target = {id, labels};
      const math::RowStatistics s =
          plain_ ? sweeps_.plain.statistics(z, r_.classes, id, kept) : sweeps_.general.statistics(z, general_, target);
      if (id >= 0) {
        const double target_logit = plain_ ? sweeps_.element(z, id) : sweeps_.general.element(z, general_, id);
        outcome = terms_.id_row(row, id, s, target_logit);
        most = std::max(s.max, target_logit);
      } else if (labels) {
        outcome = terms_.probability_row(row, s);
        most = s.max;
      } else {
        outcome = math::ignored_row(s);
      }
    }
    *sum += outcome.value;
    terms_.write_outputs(row, outcome, r_.argmax && counts ? sweeps_.argmax(z, r_.classes) : -1);
    if (r_.gradient) write_gradient(row, last, z, {id, labels}, counts, outcome, most, kept);
    return true;
  }

  /// Where this thread keeps exponentials, if it should and can.
  KeptRow* keep(KeptRow* kept) const {
    if (!plain_ || !r_.gradient || !keeps_exponentials(r_.classes, stride_ / r_.classes)) return nullptr;
    kept->exponentials = static_cast<float*>(Scratch::of_this_thread((r_.classes + 128) * sizeof(float)));
    return kept->exponentials ? kept : nullptr;
  }

  double scale() const { return terms_.scale(); }

 private:
  void write_gradient(int64_t row, int64_t last, const char* z, const RowTarget& target, bool counts,
                      const math::RowOutcome& o, double most, const KeptRow* kept) const {
    char* g = r_.gradient.as<char>() + row * stride_;
    const bool flat = o.softmax == 0 && o.labels == 0 && o.target == 0;  // exactly zero, whatever the logits
    if (!counts || flat) {
      std::memset(g, 0, stride_);
    } else if (plain_) {
      const char* next = row + 1 < last ? z + stride_ : nullptr;
      sweeps_.plain.gradient({z, g, r_.classes, most, o.lse, o.softmax, target.id, o.target, kept, stream_, next});
    } else {
      sweeps_.general.gradient(z, g, general_, target, o);
    }
  }

  RowsRequest& r_;
  RowTerms terms_;
  const RowSweeps& sweeps_;
  GeneralRow general_;
  int64_t stride_;  // bytes
  bool plain_;
  bool stream_;
};

}  // namespace

Status run_rows(RowsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept {
  RowsRun run(request, level);
  CUTLOSS_TRY(run.prepare());

  const int64_t rows_per_task = task_rows(request.rows, request.classes);
  const int64_t tasks = (request.rows + rows_per_task - 1) / rows_per_task;
  const std::unique_ptr<double[]> sums(new (std::nothrow) double[tasks]());
  if (!sums) return failure(Code::kMemory, "Expected %lld bytes of scratch memory", static_cast<long long>(tasks) * 8);

  if (request.fresh_gradient) make_present(pool, cancel, request.gradient.data, request.gradient.bytes());
  std::atomic<bool> bad_target{false};
  pool.run(tasks, [&](int64_t task) {
    const int64_t first = task * rows_per_task;
    const int64_t last = std::min(first + rows_per_task, request.rows);
    KeptRow storage;
    KeptRow* kept = run.keep(&storage);
    double sum = 0;  // not in the line that other threads write to
    for (int64_t row = first; row < last && !cancel.requested(); ++row) {
      if (!run.row(row, last, kept, &sum)) bad_target = true;
    }
    sums[task] = sum;
    level.fence();
  });
  if (cancel.requested()) return cancelled();
  if (bad_target) return failure(Code::kTarget, "Expected targets to stay as they are while the loss is computed");

  for (int64_t task = 0; task < tasks; ++task) request.loss += sums[task];
  request.loss *= run.scale();
  return {};
}

}  // namespace cutloss::cpu
