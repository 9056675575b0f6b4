#include "engine/cut_rows.h"

#include <cinttypes>

#include "engine/check.h"

namespace cutloss {
namespace {

Status expect_like(const char* name, const View& gradient, const char* input_name, const View& input) {
  if (!gradient) return {};
  if (!input) return failure(Code::kOption, "Expected %s, since %s is to be computed", input_name, name);
  CUTLOSS_TRY(expect_length(name, gradient, input.size));
  if (gradient.dtype == input.dtype) return {};
  return failure(Code::kDType, "Expected %s to have the dtype of %s", name, input_name);
}

}  // namespace

Status check(const CutRowsRequest& r) noexcept {
  int64_t hidden = 0, classifier = 0, logits = 0;
  if (r.rows < 0 || r.classes < 1 || r.dim < 1 || __builtin_mul_overflow(r.rows, r.dim, &hidden) ||
      __builtin_mul_overflow(r.classes, r.dim, &classifier) || __builtin_mul_overflow(r.rows, r.classes, &logits)) {
    return failure(Code::kShape,
                   "Expected hidden of [rows, dim] and a classifier of [classes, dim] but received [%" PRId64
                   ", %" PRId64 "] and [%" PRId64 ", %" PRId64 "]",
                   r.rows, r.dim, r.classes, r.dim);
  }
  if (r.probability_targets()) return failure(Code::kDType, "Expected targets to be class ids");
  CUTLOSS_TRY(check_row_loss(r));
  if (r.workspace_bytes < 0) {
    return failure(Code::kOption, "Expected a workspace of at least 0 bytes but received %" PRId64, r.workspace_bytes);
  }
  if (!(r.filter_eps >= 0 && r.filter_eps <= 1)) {
    return failure(Code::kOption, "Expected eps from 0 to 1 but received %g", r.filter_eps);
  }
  CUTLOSS_TRY(expect_length("hidden", r.hidden, hidden));
  CUTLOSS_TRY(expect_length("classifier", r.classifier, classifier));
  CUTLOSS_TRY(expect_length_if_given("bias", r.bias, r.classes));
  if (r.classifier.dtype != r.hidden.dtype) {
    return failure(Code::kDType, "Expected the classifier to have the dtype of hidden");
  }
  CUTLOSS_TRY(expect_like("hiddenGradient", r.hidden_gradient, "hidden", r.hidden));
  CUTLOSS_TRY(expect_like("classifierGradient", r.classifier_gradient, "classifier", r.classifier));
  CUTLOSS_TRY(expect_like("biasGradient", r.bias_gradient, "bias", r.bias));
  return expect_no_overlap(r);
}

}  // namespace cutloss
