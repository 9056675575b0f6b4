#include "engine/topology.h"

#include <cinttypes>

#include "engine/check.h"

namespace cutloss {
namespace {

/// Cells are numbered in 32 bits, three per voxel of a grid with its padding and guards; voxels are reported in 31.
constexpr double kMostVoxels = 1.4e9;

int64_t padded_voxels(const FieldBatch& f) {
  const int64_t more = f.closed && f.voxels() > 0 ? 2 : 0;
  return (f.axes == 3 ? f.depth + more : 1) * (f.height + more) * (f.width + more);
}

Status check_batch(const FieldBatch& f) {
  const bool good = f.items >= 0 && (f.axes == 2 || f.axes == 3) && f.depth >= 0 && f.height >= 0 && f.width >= 0 &&
                    (f.axes == 3 || f.depth == 1);
  if (!good) return failure(Code::kShape, "Expected fields of 2 or 3 axes but received something else");
  const double guarded = (f.axes == 3 ? double(f.depth) + 5 : 1) * (double(f.height) + 5) * (double(f.width) + 5);
  int64_t all = 0;
  if (guarded > kMostVoxels || __builtin_mul_overflow(f.items, f.voxels(), &all)) {
    return failure(Code::kShape,
                   "Expected fields of at most about %g voxels but received [%" PRId64 ", %" PRId64 ", %" PRId64 "]",
                   kMostVoxels, f.depth, f.height, f.width);
  }
  if (f.threshold != f.threshold) return failure(Code::kOption, "Expected a number for threshold but received NaN");
  return {};
}

Status check_bars(const FieldBatch& f, int64_t capacity, const BarViews& bars) {
  if (!bars.counts) return {};
  int64_t all = 0;
  if (capacity < most_bars(f) || __builtin_mul_overflow(f.items * f.axes, capacity, &all)) {
    return failure(Code::kShape, "Expected room for %" PRId64 " bars but received %" PRId64, most_bars(f), capacity);
  }
  CUTLOSS_TRY(expect_length("counts", bars.counts, f.items * f.axes));
  CUTLOSS_TRY(expect_length("birth", bars.birth, all));
  CUTLOSS_TRY(expect_length("death", bars.death, all));
  CUTLOSS_TRY(expect_length("birthIndex", bars.birth_index, all));
  return expect_length("deathIndex", bars.death_index, all);
}

}  // namespace

int64_t most_bars(const FieldBatch& f) noexcept {
  const int64_t voxels = padded_voxels(f);
  return f.axes == 3 && f.wants(1) ? 2 * voxels : (voxels + 1) / 2;
}

int64_t most_prepared_words(const FieldBatch& f) noexcept { return (f.axes == 3 ? 16 : 6) * padded_voxels(f) + 32; }

Status check(const PersistenceRequest& r) noexcept {
  CUTLOSS_TRY(check_batch(r));
  CUTLOSS_TRY(expect_length("field", r.field, r.items * r.voxels()));
  if (!r.bars.counts) return failure(Code::kInternal, "Expected counts but received nothing");
  CUTLOSS_TRY(check_bars(r, r.capacity, r.bars));
  return expect_no_overlap(r);
}

Status check(const PrepareTargetRequest& r) noexcept {
  CUTLOSS_TRY(check_batch(r));
  CUTLOSS_TRY(expect_length("target", r.target, r.items * r.voxels()));
  int64_t all = 0;
  if (r.capacity < most_prepared_words(r) || __builtin_mul_overflow(r.items, r.capacity, &all)) {
    return failure(Code::kShape, "Expected room for %" PRId64 " words but received %" PRId64, most_prepared_words(r),
                   r.capacity);
  }
  CUTLOSS_TRY(expect_length("prepared", r.prepared, all));
  return expect_no_overlap(r);
}

Status check(const MatchingRequest& r) noexcept {
  CUTLOSS_TRY(check_batch(r));
  const int64_t elements = r.items * r.voxels();
  CUTLOSS_TRY(expect_length("prediction", r.prediction, elements));
  CUTLOSS_TRY(expect_length("target", r.target, elements));
  if (r.prepared && r.items > 0) {
    CUTLOSS_TRY(expect_length("prepared", r.prepared, r.prepared.size / r.items * r.items));
  }
  CUTLOSS_TRY(expect_length_if_given("upstream", r.upstream, r.items));
  CUTLOSS_TRY(expect_length_if_given("gradient", r.gradient, elements));
  CUTLOSS_TRY(expect_length_if_given("perItem", r.per_item, r.items));
  CUTLOSS_TRY(expect_length_if_given("errors", r.errors, r.items));
  CUTLOSS_TRY(check_bars(r, r.capacity, r.prediction_bars));
  CUTLOSS_TRY(check_bars(r, r.capacity, r.target_bars));
  if (r.partner) {
    if (!r.prediction_bars.counts || !r.target_bars.counts) {
      return failure(Code::kInternal, "Expected bars of both fields, since partner is to be computed");
    }
    CUTLOSS_TRY(expect_length("partner", r.partner, r.items * r.axes * r.capacity));
  }
  if (r.gradient && r.gradient.dtype != r.prediction.dtype) {
    return failure(Code::kDType, "Expected the gradient to have the dtype of prediction");
  }
  if (r.reduction < 0 || r.reduction > 2) return failure(Code::kOption, "Unknown reduction %" PRId64, r.reduction);
  if (r.unmatched_prediction < 0 || r.unmatched_prediction > 2 || r.unmatched_target < 0 || r.unmatched_target > 1) {
    return failure(Code::kOption, "Unknown treatment of unmatched bars");
  }
  return expect_no_overlap(r, &r.gradient, &r.prediction);
}

Status check(const BettiNumbersRequest& r) noexcept {
  CUTLOSS_TRY(check_batch(r));
  CUTLOSS_TRY(expect_length("field", r.field, r.items * r.voxels()));
  CUTLOSS_TRY(expect_length("numbers", r.numbers, r.items * r.axes));
  return expect_no_overlap(r);
}

}  // namespace cutloss
