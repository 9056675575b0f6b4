// The probability of a row's target, held so that nothing is lost at either end: as p -> 1 the loss lives in 1 - p, as
// p -> 0 in log p. Both come from the log-odds against the target, x = log sum over the others exp(z_j) - z_y, in
// which the target itself does not occur.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

struct TargetProbability {
  double log_p;
  double p;
  double q;  // 1 - p
  double log_q;

  CUTLOSS_HD static TargetProbability from_odds_against(double x) {
    const double e = std::exp(-std::fabs(x)), more = 1 / (1 + e), less = e / (1 + e), log_more = -std::log1p(e);
    return x > 0 ? TargetProbability{log_more - x, less, more, log_more}
                 : TargetProbability{log_more, more, less, log_more + x};
  }
};

/// A row objective at one target: the loss, and w = -dloss/dlogp, the weight that the softmax gradient gets.
struct ObjectiveTerms {
  double value;
  double weight;
};

/// How an objective's option is named, what it is by default and what it may be; the binding publishes these.
struct ObjectiveParameter {
  const char* name = nullptr;
  double fallback = 0;
  double low = 0, high = 0;  // both allowed
  bool required = false;
};

}  // namespace cutloss::math
