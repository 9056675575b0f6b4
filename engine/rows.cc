#include "engine/rows.h"

#include <cinttypes>

#include "engine/check.h"

namespace cutloss {

Status check(const RowsRequest& r) noexcept {
  int64_t elements = 0;
  if (r.rows < 0 || r.classes < 1 || __builtin_mul_overflow(r.rows, r.classes, &elements)) {
    return failure(Code::kShape, "Expected logits of [rows, classes] but received [%" PRId64 ", %" PRId64 "]", r.rows,
                   r.classes);
  }
  CUTLOSS_TRY(check_row_loss(r));
  CUTLOSS_TRY(expect_length("logits", r.logits, elements));
  CUTLOSS_TRY(expect_length_if_given("gradient", r.gradient, elements));
  if (r.gradient && r.gradient.dtype != r.logits.dtype) {
    return failure(Code::kDType, "Expected the gradient to have the dtype of logits");
  }
  return expect_no_overlap(r, &r.gradient, &r.logits);
}

}  // namespace cutloss
