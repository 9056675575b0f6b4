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
    const double z = logit * inverse_temperature;
    if (!(softcap > 0)) return {z, inverse_temperature};
    // tanh u = (1 - e) / (1 + e) with e = exp(-2|u|); its derivative 4e / (1 + e)^2 keeps its precision
    const double u = z / softcap;
    const double e = std::exp(-2 * std::fabs(u));
    const double tanh = (1 - e) / (1 + e);
    return {softcap * (u < 0 ? -tanh : tanh), inverse_temperature * (4 * e / ((1 + e) * (1 + e)))};
  }
};

}  // namespace cutloss::math
