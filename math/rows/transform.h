// How a logit becomes z: z = s(logit / temperature), with s the identity or cap tanh(. / cap).
#pragma once

#include "math/hd.h"

namespace cutloss::math {

struct LogitTransform {
  double inverse_temperature;
  double softcap;  // 0: none

  struct Result {
    double z;
    double slope;  // dz / dlogit
  };

  CUTLOSS_HD Result at(double logit) const {
    Result result = {};
    apply(
        logit, [](double x) { return std::exp(x); }, &result.z, &result.slope);
    return result;
  }

  /// The same for a double or a vector of them, whose exponential is `exp`.
  template <class Real, class Exp>
  CUTLOSS_HD void apply(Real logit, Exp exp, Real* z, Real* slope) const {
    *z = logit * inverse_temperature;
    *slope = Real{} + inverse_temperature;
    if (!(softcap > 0)) return;
    // tanh u = (1 - e) / (1 + e) with e = exp(-2|u|); its derivative 4e / (1 + e)^2 keeps its precision. Near zero,
    // where 1 - e does not, the Taylor series does: a cap far beyond the logits leaves them as they are.
    const Real u = *z / softcap, square = u * u;
    const Real e = exp(u < 0 ? 2 * u : -2 * u);
    const Real far = (1 - e) / (1 + e);
    constexpr double kTerms[] = {-929569. / 638512875, 21844. / 6081075, -1382. / 155925, 62. / 2835,
                                 -17. / 315,           2. / 15,          -1. / 3};
    Real series = Real{};
    for (const double term : kTerms) series = series * square + term;
    const Real near = u + u * square * series;
    *z = softcap * (square < 1. / 16 ? near : u < 0 ? -far : far);
    *slope *= 4 * e / ((1 + e) * (1 + e));
  }
};

}  // namespace cutloss::math
