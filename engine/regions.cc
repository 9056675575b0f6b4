#include "engine/regions.h"

#include <cinttypes>

#include "engine/check.h"

namespace cutloss {
namespace {

Status expect_below(const char* name, int64_t value, int64_t count) {
  if (value >= 0 && value < count) return {};
  return failure(Code::kOption, "Unknown %s %" PRId64, name, value);
}

bool has_pixels(int64_t depth, int64_t height, int64_t width, int64_t pixels) {
  int64_t area = 0, volume = 0;
  return depth >= 0 && height >= 0 && width >= 0 && !__builtin_mul_overflow(height, width, &area) &&
         !__builtin_mul_overflow(area, depth > 0 ? depth : 1, &volume) && volume == pixels;
}

}  // namespace

Status check(const RegionsRequest& r) noexcept {
  int64_t pixels = 0, elements = 0;
  if (r.batch < 0 || r.pixels < 0 || r.classes < 1 || __builtin_mul_overflow(r.batch, r.pixels, &pixels) ||
      __builtin_mul_overflow(pixels, r.classes, &elements)) {
    return failure(Code::kShape,
                   "Expected predictions of [batch, pixels, classes] but received [%" PRId64 ", %" PRId64 ", %" PRId64
                   "]",
                   r.batch, r.pixels, r.classes);
  }
  int64_t cells = 0, moments = 0;
  if (r.classes > INT32_MAX || __builtin_mul_overflow(r.batch, r.classes, &cells) ||
      __builtin_mul_overflow(cells, int64_t{kRegionMomentCount}, &moments)) {
    return failure(Code::kShape, "Expected fewer regions than %" PRId64 " images of %" PRId64 " classes", r.batch,
                   r.classes);
  }
  if (r.first_class < 0 || r.first_class > r.classes) {
    return failure(Code::kOption, "Expected a first class from 0 to %" PRId64 " but received %" PRId64, r.classes,
                   r.first_class);
  }
  CUTLOSS_TRY(expect_below("activation", r.activation, 3));
  CUTLOSS_TRY(expect_below("over", r.over, 4));
  CUTLOSS_TRY(expect_below("index", r.index, math::kRegionIndexCount + 1));
  CUTLOSS_TRY(expect_below("plane loss", r.plane_loss, math::kPlaneLossCount));
  CUTLOSS_TRY(expect_below("weighting", r.weighting, 3));
  CUTLOSS_TRY(expect_below("transform", r.transform, math::kRegionTransformCount));
  CUTLOSS_TRY(expect_below("absent", r.absent, 3));
  CUTLOSS_TRY(expect_below("reduction", r.reduction, 3));
  CUTLOSS_TRY(expect_below("number of rounds", r.rounds, kMostRounds + 1));
  if (r.has_shape() && !has_pixels(r.depth, r.height, r.width, r.pixels)) {
    return failure(Code::kShape, "Expected images of %" PRId64 " pixels", r.pixels);
  }
  if (r.has_planes() && r.given_moments) {
    return failure(Code::kOption, "Expected no moments for a loss that is no function of them");
  }
  if (!r.soft_targets && !is_integer(r.targets.dtype)) {
    return failure(Code::kDType, "Expected targets to be class ids");
  }

  CUTLOSS_TRY(expect_length("predictions", r.predictions, elements));
  CUTLOSS_TRY(expect_length("targets", r.targets, r.soft_targets ? elements : pixels));
  CUTLOSS_TRY(expect_length_if_given("mask", r.mask, pixels));
  CUTLOSS_TRY(expect_length_if_given("classWeights", r.class_weights, r.classes));
  CUTLOSS_TRY(expect_length_if_given("upstream", r.upstream, r.region_count()));
  CUTLOSS_TRY(expect_length_if_given("givenMoments", r.given_moments, r.moment_rows() * kRegionMomentCount));
  CUTLOSS_TRY(expect_length_if_given("gradient", r.gradient, elements));
  CUTLOSS_TRY(expect_length_if_given("perItem", r.per_item, r.region_count()));
  CUTLOSS_TRY(expect_length_if_given("moments", r.moments, r.moment_rows() * kRegionMomentCount));
  if (r.gradient && r.gradient.dtype != r.predictions.dtype) {
    return failure(Code::kDType, "Expected the gradient to have the dtype of predictions");
  }
  return expect_no_overlap(r, &r.gradient, &r.predictions);
}

}  // namespace cutloss
