// One row of logits: what a pass over it leaves behind, and what the gradient of every row loss is made of.
//
//   x     = log sum_{j != y} exp(z_j) - z_y                      odds against the target, free of cancellation
//   loss  = r (w_y [(1 - e) objective(p) + e/V ...] + c lse^2)   e: label smoothing, c: z-loss, r: the row's weight
//   dz_j  = softmax * p_j - labels * w_j t_j                     for every j but the target, whose element is given
//
// t is the distribution of the labels: given, or, for class ids, what label smoothing spreads over all classes (t = 1,
// in units of e/V; the rest sits in the target's own element).
#pragma once

#include "math/rows/objectives.h"

namespace cutloss::math {

/// Over a row's transformed logits z. `max` and `sum` leave out the target of a class id. The maximum may be any number
/// near the largest: it only keeps the exponentials in range.
struct RowStatistics {
  double max;               // about max z_j; -inf where every z_j is
  double sum;               // sum exp(z_j - max)
  double weighted_max_gap;  // sum exp(z_j - max) (z_j - max)
  double labels;            // sum w_j t_j
  double labelled_z;        // sum w_j t_j z_j
};

/// What a loss asks of every row alike.
struct RowFormula {
  RowObjective objective;
  double label_smoothing;
  double z_loss;
  double classes;
};

/// A row's place in the loss: its target's class weight and logit, and the factors of its value and gradient.
struct RowContext {
  double target_logit;
  double class_weight;   // w_y
  double weight;         // r
  double upstream;       // d result / d value of this row
  ObjectiveTerms given;  // with kGivenObjective
};

struct RowOutcome {
  double value;  // this row's loss
  double log_p;
  double lse;
  double entropy;
  // the gradient by z, before softcap and temperature
  double softmax;  // times p_j
  double labels;   // times w_j t_j, subtracted
  double target;   // the whole element of the target
};

namespace detail {

CUTLOSS_HD double entropy_of(double lse, double max, double p_others, double gap_over_sum, double p, double log_p) {
  // H = -p log p - sum_{j != y} p_j log p_j, with log p_j = (z_j - max) - (lse - max)
  const double others = p_others > 0 ? p_others * ((lse - max) - gap_over_sum) : 0;
  return others - (p > 0 ? p * log_p : 0);
}

}  // namespace detail

/// A row whose target is a class id.
CUTLOSS_HD RowOutcome id_row(const RowStatistics& s, const RowFormula& f, const RowContext& c) {
  const double others = s.max + std::log(s.sum);  // -inf where there are no others
  const TargetProbability t = TargetProbability::from_odds_against(others - c.target_logit);
  const bool given = f.objective.kind == kGivenObjective;
  const ObjectiveTerms objective = given ? c.given : evaluate(f.objective, t);

  RowOutcome o;
  o.log_p = t.log_p;
  o.lse = t.p > t.q ? c.target_logit - t.log_p : others + softplus(c.target_logit - others);
  o.entropy = detail::entropy_of(o.lse, s.max, t.q, s.sum > 0 ? s.weighted_max_gap / s.sum : 0, t.p, t.log_p);

  const double hard = c.class_weight * (1 - f.label_smoothing);
  const double soft = f.label_smoothing / f.classes;
  const double z_slope = 2 * f.z_loss * o.lse;
  o.value = hard * objective.value;
  if (soft != 0) o.value += soft * (o.lse * s.labels - s.labelled_z);
  if (f.z_loss != 0) o.value += f.z_loss * o.lse * o.lse;
  o.value *= c.weight;

  const double factor = c.weight * c.upstream;
  const double pull = hard * objective.weight;
  const double spread = soft * s.labels + (f.z_loss != 0 ? z_slope : 0);
  o.softmax = factor * (pull + spread);
  o.labels = factor * soft;
  o.target = factor * (spread * t.p - pull * t.q - soft * c.class_weight);
  return o;
}

/// A row whose target is a distribution t, already smoothed: t = (1 - e) given + e/V.
CUTLOSS_HD RowOutcome probability_row(const RowStatistics& s, const RowFormula& f, const RowContext& c) {
  RowOutcome o;
  o.lse = s.max + std::log(s.sum);
  o.log_p = 0;
  o.entropy = detail::entropy_of(o.lse, s.max, 1, s.weighted_max_gap / s.sum, 0, 0);
  const double z_slope = 2 * f.z_loss * o.lse;
  o.value = s.labels * o.lse - s.labelled_z;
  if (f.z_loss != 0) o.value += f.z_loss * o.lse * o.lse;
  o.value *= c.weight;

  const double factor = c.weight * c.upstream;
  o.softmax = factor * (s.labels + (f.z_loss != 0 ? z_slope : 0));
  o.labels = factor;
  o.target = 0;
  return o;
}

/// A row that does not count: only lse and entropy are defined.
CUTLOSS_HD RowOutcome ignored_row(const RowStatistics& s) {
  const double lse = s.max + std::log(s.sum);
  return {0, 0, lse, detail::entropy_of(lse, s.max, 1, s.weighted_max_gap / s.sum, 0, 0), 0, 0, 0};
}

}  // namespace cutloss::math
