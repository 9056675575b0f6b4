// What bars add to Betti matching's loss (Stucki et al. 2023), and its slope along both ends.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

struct BarTerms {
  double value;
  double birth_slope;
  double death_slope;
};

/// a - b, and 0 for equal infinities.
CUTLOSS_HD double difference(double a, double b) { return a == b ? 0 : a - b; }

/// A matched bar and its partner: 2 [(b - b')^2 + (d - d')^2].
CUTLOSS_HD BarTerms pull(double birth, double death, double to_birth, double to_death) {
  const double b = difference(birth, to_birth), d = difference(death, to_death);
  return {2 * (b * b + d * d), 4 * b, 4 * d};
}

/// An unmatched bar, and its way to the diagonal: (b - d)^2.
CUTLOSS_HD BarTerms shrink(double birth, double death) {
  const double length = difference(birth, death);
  return {length * length, 2 * length, -2 * length};
}

}  // namespace cutloss::math
