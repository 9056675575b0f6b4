#include "engine/row_loss.h"

#include <cinttypes>

#include "engine/check.h"
#include "math/rows/objectives.h"

namespace cutloss {

Status check_row_loss(const RowLoss& r) noexcept {
  if (r.classes > INT32_MAX) {
    return failure(Code::kShape, "Expected at most 2147483647 classes but received %" PRId64, r.classes);
  }
  if (r.shift < 0 || (r.shift > 0 && (r.time < 1 || r.rows % r.time != 0))) {
    return failure(Code::kOption, "Expected shift to fit sequences of %" PRId64 " rows but received %" PRId64, r.time,
                   r.shift);
  }
  if (r.reduction < 0 || r.reduction > 2) return failure(Code::kOption, "Unknown reduction %" PRId64, r.reduction);
  if (r.objective < 0 || r.objective > math::kGivenObjective) {
    return failure(Code::kOption, "Unknown objective %" PRId64, r.objective);
  }

  CUTLOSS_TRY(expect_length("targets", r.targets, r.probability_targets() ? r.rows * r.classes : r.rows));
  CUTLOSS_TRY(expect_length_if_given("weights", r.weights, r.rows));
  CUTLOSS_TRY(expect_length_if_given("classWeights", r.class_weights, r.classes));
  CUTLOSS_TRY(expect_length_if_given("upstream", r.upstream, r.rows));
  CUTLOSS_TRY(expect_length_if_given("perItem", r.per_item, r.rows));
  CUTLOSS_TRY(expect_length_if_given("logProb", r.log_prob, r.rows));
  CUTLOSS_TRY(expect_length_if_given("lse", r.lse, r.rows));
  CUTLOSS_TRY(expect_length_if_given("entropy", r.entropy, r.rows));
  CUTLOSS_TRY(expect_length_if_given("argmax", r.argmax, r.rows));
  if (r.objective == math::kGivenObjective) {
    CUTLOSS_TRY(expect_length("objectiveLoss", r.objective_loss, r.rows));
    CUTLOSS_TRY(expect_length("objectiveWeights", r.objective_weights, r.rows));
  }
  return {};
}

}  // namespace cutloss
