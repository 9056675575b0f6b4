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
  double labelled_gap;      // sum w_j t_j (z_j - label_anchor)

  CUTLOSS_HD double label_anchor() const { return max == -INFINITY ? 0 : max; }
};

/// log sum exp(z_j), as a logit of the row and what goes beyond it. As one number it would lose the excess beside a
/// large logit: among a thousand logits of -1e20, which are equally likely, log 1000 is nothing.
struct LogSum {
  double anchor;
  double excess;

  CUTLOSS_HD double value() const { return anchor + excess; }
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
  LogSum lse;
  double entropy;
  // the gradient by z, before softcap and temperature
  double softmax;  // times p_j
  double labels;   // times w_j t_j, subtracted
  double target;   // the whole element of the target
};

/// Nothing times anything is nothing: what weighs nothing has no part in the loss and no gradient, whatever its logits.
CUTLOSS_HD double times(double factor, double x) { return factor == 0 ? 0 : factor * x; }

namespace detail {

CUTLOSS_HD double entropy_of(const LogSum& lse, const RowStatistics& s, double p_others, double p, double log_p) {
  // H = -p log p - sum_{j != y} p_j log p_j, with log p_j = (z_j - max) - (lse - max)
  const double beyond_max = (lse.anchor - s.max) + lse.excess;
  const double others = p_others == 0 ? 0 : p_others * (beyond_max - s.weighted_max_gap / s.sum);
  return others - (p == 0 ? 0 : p * log_p);
}

/// sum w_j t_j (lse - z_j)
CUTLOSS_HD double labelled_loss(const LogSum& lse, const RowStatistics& s) {
  return times(s.labels, (lse.anchor - s.label_anchor()) + lse.excess) - s.labelled_gap;
}

}  // namespace detail

/// A row whose target is a class id.
CUTLOSS_HD RowOutcome id_row(const RowStatistics& s, const RowFormula& f, const RowContext& c) {
  const double no_infinity = c.target_logit > 0 ? 0 * c.target_logit : 0;  // +inf has no softmax: not-a-number
  const double log_others = std::log(s.sum);                               // beyond s.max; -inf where there are none
  const double x = (s.max - c.target_logit) + log_others + no_infinity;
  const TargetProbability t = TargetProbability::from_odds_against(x);
  const bool given = f.objective.kind == kGivenObjective;
  const ObjectiveTerms objective = given ? c.given : evaluate(f.objective, t);

  RowOutcome o;
  o.log_p = t.log_p;
  o.lse = t.p > t.q ? LogSum{c.target_logit, -t.log_p} : LogSum{s.max, log_others - t.log_q};
  o.entropy = detail::entropy_of(o.lse, s, t.q, t.p, t.log_p);

  const double hard = times(1 - f.label_smoothing, c.class_weight);
  const double soft = f.label_smoothing / f.classes;
  const double z_slope = f.z_loss != 0 ? 2 * f.z_loss * o.lse.value() : 0;
  o.value = times(hard, objective.value);
  if (soft != 0) o.value += soft * detail::labelled_loss(o.lse, s);
  if (f.z_loss != 0) o.value += f.z_loss * o.lse.value() * o.lse.value();
  o.value = times(c.weight, o.value);

  const double factor = times(c.weight, c.upstream);
  const double pull = times(hard, objective.weight);
  const double spread = times(soft, s.labels) + z_slope;
  o.softmax = times(factor, pull + spread);
  o.labels = times(factor, soft);
  o.target = times(factor, times(spread, t.p) - times(pull, t.q) - times(soft, c.class_weight));
  return o;
}

/// A row whose target is a distribution t, already smoothed: t = (1 - e) given + e/V.
CUTLOSS_HD RowOutcome probability_row(const RowStatistics& s, const RowFormula& f, const RowContext& c) {
  RowOutcome o;
  o.lse = {s.max, std::log(s.sum)};
  o.log_p = 0;
  o.entropy = detail::entropy_of(o.lse, s, 1, 0, 0);
  const double z_slope = f.z_loss != 0 ? 2 * f.z_loss * o.lse.value() : 0;
  o.value = detail::labelled_loss(o.lse, s);
  if (f.z_loss != 0) o.value += f.z_loss * o.lse.value() * o.lse.value();
  o.value = times(c.weight, o.value);

  const double factor = times(c.weight, c.upstream);
  o.softmax = times(factor, s.labels + z_slope);
  o.labels = times(factor, 1);
  o.target = 0;
  return o;
}

/// A row that does not count: only lse and entropy are defined.
CUTLOSS_HD RowOutcome ignored_row(const RowStatistics& s) {
  const LogSum lse = {s.max, std::log(s.sum)};
  return {0, 0, lse, detail::entropy_of(lse, s, 1, 0, 0), 0, 0, 0};
}

}  // namespace cutloss::math
