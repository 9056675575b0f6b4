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
    // tanh u = (1 - e) / (1 + e) with e = exp(-2|u|); its derivative 4e / (1 + e)^2 keeps its precision
    const Real u = *z / softcap;
    const Real e = exp(u < 0 ? 2 * u : -2 * u);
    const Real tanh = (1 - e) / (1 + e);
    *z = softcap * (u < 0 ? -tanh : tanh);
    *slope *= 4 * e / ((1 + e) * (1 + e));
  }
};

}  // namespace cutloss::math
