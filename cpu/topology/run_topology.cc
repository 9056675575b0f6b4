#include "cpu/topology/run_topology.h"

#include <algorithm>

#include "cpu/topology/betti_numbers.h"
#include "cpu/topology/persistence.h"
#include "cpu/topology/prepared_target.h"
#include "cpu/topology/score.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {
namespace {

void clear(const View& view) {
  if (view) std::memset(view.data, 0, view.bytes());
}

/// Refuses words that were prepared for something else before any output is written.
template <int kAxes>
Status expect_prepared(const MatchingRequest& r) {
  PreparedTarget<kAxes> prepared;
  for (int64_t item = 0; item < r.items; ++item) CUTLOSS_TRY(prepared.open(r, r.prepared, item));
  return {};
}

/// One item from its fields to what it adds to the outputs; its loss goes to *loss.
template <int kAxes>
Status finish_item(const MatchingRequest& r, int64_t item, double scale, ThreadPool& pool, Cancel& cancel,
                   double* loss) {
  Matching<kAxes> matching;
  CUTLOSS_TRY(match_item(r, item, pool, cancel, &matching));
  const math::Grid<kAxes>& grid = matching.fields[0].grid;
  Buffer<double> slopes;
  if (r.gradient) CUTLOSS_TRY(slopes.allocate(grid.places, 0));
  Score scored;
  CUTLOSS_TRY(score(r, matching, cancel, slopes.data(), &scored));
  if (r.upstream) scale *= r.upstream.as<const float>()[item];

  *loss = scored.loss;
  if (r.gradient) write_gradient(r, item, grid, slopes.data(), scale);
  if (r.per_item) r.per_item.as<float>()[item] = float(scored.loss);
  if (r.errors) r.errors.as<int32_t>()[item] = int32_t(scored.unmatched);
  for (int dimension = 0; dimension < kAxes; ++dimension) {
    if (!r.wants(dimension)) continue;
    const DimensionMatching& d = matching.dimensions[dimension];
    const BarViews* views[2] = {&r.prediction_bars, &r.target_bars};
    for (int side = 0; side < 2; ++side) {
      if (!views[side]->counts) continue;
      write_bars(r, *views[side], r.capacity, item, dimension, matching.fields[side], d.bars[side]);
    }
    if (!r.partner) continue;
    int32_t* partner = r.partner.as<int32_t>() + (item * kAxes + dimension) * r.capacity;
    for (uint32_t i = 0; i < d.bars[0].count; ++i) partner[i] = int32_t(d.partner[0][i]);
  }
  return {};
}

}  // namespace

Status run_matching(MatchingRequest& r, ThreadPool& pool, Cancel& cancel) noexcept {
  CUTLOSS_TRY(expect_numbers("prediction", r, r.prediction, cancel));
  CUTLOSS_TRY(expect_numbers("target", r, r.target, cancel));
  if (r.voxels() == 0 || r.items == 0) {
    for (const View* view : {&r.per_item, &r.errors, &r.prediction_bars.counts, &r.target_bars.counts}) clear(*view);
    return {};
  }
  if (r.prepared) CUTLOSS_TRY(r.axes == 3 ? expect_prepared<3>(r) : expect_prepared<2>(r));
  clear(r.prediction_bars.counts);
  clear(r.target_bars.counts);
  const double mean = Reduction(r.reduction) == Reduction::kMean ? 1 / double(r.items) : 1;
  const double scale = mean * r.upstream_scale;
  Buffer<double> losses;
  CUTLOSS_TRY(losses.allocate(r.items, 0));
  CUTLOSS_TRY(run_tasks(pool, r.items, [&](int64_t item) {
    return r.axes == 3 ? finish_item<3>(r, item, scale, pool, cancel, &losses[item])
                       : finish_item<2>(r, item, scale, pool, cancel, &losses[item]);
  }));
  if (cancel.requested()) return cancelled();
  for (int64_t item = 0; item < r.items; ++item) r.loss += losses[item];
  r.loss *= mean;
  return {};
}

Status run_persistence(PersistenceRequest& r, ThreadPool& pool, Cancel& cancel) noexcept {
  CUTLOSS_TRY(expect_numbers("field", r, r.field, cancel));
  clear(r.bars.counts);
  if (r.voxels() == 0) return {};
  return run_tasks(pool, r.items, [&](int64_t item) {
    return r.axes == 3 ? persistence_item<3>(r, item, pool, cancel) : persistence_item<2>(r, item, pool, cancel);
  });
}

Status run_prepare_target(PrepareTargetRequest& r, ThreadPool& pool, Cancel& cancel) noexcept {
  CUTLOSS_TRY(expect_numbers("target", r, r.target, cancel));
  if (r.voxels() == 0 || r.items == 0) return {};
  Buffer<uint64_t> words;
  CUTLOSS_TRY(words.allocate(r.items, 0));
  CUTLOSS_TRY(run_tasks(pool, r.items, [&](int64_t item) {
    return r.axes == 3 ? prepare_item<3>(r, item, pool, cancel, &words[item])
                       : prepare_item<2>(r, item, pool, cancel, &words[item]);
  }));
  for (int64_t item = 0; item < r.items; ++item) r.words = std::max(r.words, double(words[item]));
  return {};
}

Status run_betti_numbers(BettiNumbersRequest& r, ThreadPool& pool, Cancel& cancel) noexcept {
  CUTLOSS_TRY(expect_numbers("field", r, r.field, cancel));
  clear(r.numbers);
  if (r.voxels() == 0) return {};
  return run_tasks(pool, r.items, [&](int64_t item) {
    int32_t* numbers = r.numbers.as<int32_t>() + item * r.axes;
    return r.axes == 3 ? betti_numbers<3>(r, item, cancel, numbers) : betti_numbers<2>(r, item, cancel, numbers);
  });
}

}  // namespace cutloss::cpu
