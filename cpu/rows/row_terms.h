// What a row's loss is made of beside its logits, for every loss on rows: targets, weights, the reduction's divisor,
// the upstream gradient, the objective; and where the results of a row go.
#pragma once

#include "engine/row_targets.h"
#include "math/rows/softmax.h"

namespace cutloss::cpu {

class RowTerms {
 public:
  explicit RowTerms(RowLoss& request)
      : r_(request),
        targets_(request),
        formula_{{int(r_.objective), r_.objective_first, r_.objective_second},
                 r_.label_smoothing,
                 r_.z_loss,
                 double(r_.classes)} {}

  /// Checks every target and weighs the rows: nothing is written before all of them are known to be good. Every target
  /// is handed to keep(row, id): whoever reads it again may find another.
  template <class Keep>
  Status prepare(Keep&& keep) {
    double weight = 0;
    for (int64_t row = 0; row < r_.rows; ++row) {
      if (r_.probability_targets()) {
        if (targets_.source(row) == RowTargets::kNone) continue;
        weight += row_weight(row);
      } else {
        const int64_t id = targets_.id(row);
        if (id == RowTargets::kBad) return targets_.out_of_range(row);
        keep(row, id);
        if (id == RowTargets::kNone) continue;
        weight += row_weight(row) * class_weight(id);
      }
      ++r_.counted;
    }
    scale_ = 1;
    if (r_.reduction == int64_t(Reduction::kMean)) {
      const double divisor = r_.divisor > 0 ? r_.divisor : weight;
      scale_ = divisor != 0 ? 1 / divisor : 0;
    }
    return {};
  }

  math::RowOutcome id_row(int64_t row, int64_t id, const math::RowStatistics& s, double target_logit) const {
    const math::RowContext context = {target_logit, class_weight(id), row_weight(row), scale_ * upstream(row),
                                      given(row)};
    return math::id_row(s, formula_, context);
  }
  math::RowOutcome probability_row(int64_t row, const math::RowStatistics& s) const {
    return math::probability_row(s, formula_, {0, 1, row_weight(row), scale_ * upstream(row), {}});
  }

  void write_outputs(int64_t row, const math::RowOutcome& o, int64_t argmax) const {
    if (r_.per_item) r_.per_item.as<float>()[row] = float(o.value);
    if (r_.log_prob) r_.log_prob.as<float>()[row] = float(o.log_p);
    if (r_.lse) r_.lse.as<float>()[row] = float(o.lse.value());
    if (r_.entropy) r_.entropy.as<float>()[row] = float(o.entropy);
    if (r_.argmax) r_.argmax.as<int32_t>()[row] = int32_t(argmax);
  }

  const RowTargets& targets() const { return targets_; }
  /// What the sum of the rows' values is multiplied with.
  double scale() const { return scale_; }

 private:
  double row_weight(int64_t row) const { return r_.weights ? r_.weights.as<const float>()[row] : 1; }
  double class_weight(int64_t id) const { return r_.class_weights ? r_.class_weights.as<const float>()[id] : 1; }
  double upstream(int64_t row) const {
    return r_.upstream_scale * (r_.upstream ? r_.upstream.as<const float>()[row] : 1);
  }
  math::ObjectiveTerms given(int64_t row) const {
    if (r_.objective != math::kGivenObjective) return {};
    return {r_.objective_loss.as<const float>()[row], r_.objective_weights.as<const float>()[row]};
  }

  RowLoss& r_;
  RowTargets targets_;
  math::RowFormula formula_;
  double scale_ = 1;
};

}  // namespace cutloss::cpu
