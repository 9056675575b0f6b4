// The prediction of one pixel and class, what a loss of regions and the terms of the pixels make of it, and their
// slopes. In float for any width.
#pragma once

#include "math/regions/pixel_terms.h"
#include "math/regions/transform.h"

namespace cutloss::math {

template <class V>
CUTLOSS_HD typename V::F magnitude(typename V::F x) {
  return V::select(x < 0.f, -x, x);
}

template <class V>
CUTLOSS_HD typename V::F sign(typename V::F x) {
  return V::select(x > 0.f, V::splat(1.f), V::select(x < 0.f, V::splat(-1.f), typename V::F{}));
}

template <class V>
struct Prediction {
  using F = typename V::F;
  F p, rest;  // rest = 1 - p, precise where p is nearly one

  CUTLOSS_HD static Prediction of_probability(F p) { return {p, 1.f - p}; }
  CUTLOSS_HD static Prediction of_sigmoid(F z) {
    const F e = exp_term<V>(-magnitude<V>(z), 0.f);
    const F all = 1.f + e, usual = 1.f / all;
    const F rounded_off = V::multiply_add(-all, usual, V::splat(1.f)) - (e - (all - 1.f)) * usual;
    const F inverse = V::multiply_add(rounded_off, usual, usual);
    return {V::select(z < 0.f, e, V::splat(1.f)) * inverse, V::select(z < 0.f, V::splat(1.f), e) * inverse};
  }
};

/// dL/dq = a y + b + 2 c q + d [q < y], with q the transformed prediction; where q is y, one half of d.
struct PredictionSlopes {
  float a, b, c, d;
};

/// dL/dp.
template <class V>
CUTLOSS_HD typename V::F slope_of(const PredictionSlopes& s, RegionTransform transform, float parameter,
                                  const Prediction<V>& x, typename V::F y) {
  const Transformed<V> q = transform_prediction<V>(transform, x.p, x.rest, parameter);
  return (s.a * y + s.b + 2 * s.c * q.value + s.d * (0.5f - 0.5f * sign<V>(q.value - y))) * q.slope;
}

/// The focal term's options; `on` is false where there is none.
struct FocalOptions {
  bool on;
  float positive, negative, gamma_positive, gamma_negative, margin;

  /// Of softmax: class 0 is what the others stand out from.
  CUTLOSS_HD float of_class(int64_t c) const { return c == 0 ? negative : positive; }
};

/// -log p of the target, from its own exponential and the sum of the others'; or, where exponentials would vanish, from
/// the exponential's logarithm.
template <class V>
CUTLOSS_HD typename V::F minus_log_of_target(typename V::F own, typename V::F others, bool logarithm) {
  using F = typename V::F;
  const F e = logarithm ? exp_term<V>(own, 0.f) : own;
  const F usual = log_one_plus<V>(others / e);
  if (!logarithm) return usual;
  const F far = log_normal<V>(V::max(V::splat(1.f), others)) - own;
  return V::select(own < -40.f, far, usual);
}

/// The terms of a pixel and class whose prediction is a sigmoid: both values, and by how much their sum, weighted by
/// the factors, rises with the logit.
template <class V>
struct SigmoidTerms {
  using F = typename V::F;
  F cross_entropy, focal, slope;

  CUTLOSS_HD static SigmoidTerms of(F z, F y, const FocalOptions& o, float cross_entropy_factor, float focal_factor) {
    const F softplus = log_one_plus<V>(exp_term<V>(-magnitude<V>(z), 0.f));
    return of(Prediction<V>::of_sigmoid(z), softplus, z, y, o, cross_entropy_factor, focal_factor);
  }
  /// softplus: log(1 + exp(-|z|)).
  CUTLOSS_HD static SigmoidTerms of(const Prediction<V>& x, F softplus, F z, F y, const FocalOptions& o,
                                    float cross_entropy_factor, float focal_factor) {
    const F minus_log_p = softplus + V::max(F{}, -z), minus_log_rest = softplus + V::max(F{}, z);
    const F no = 1.f - y;
    SigmoidTerms terms = {y * minus_log_p + no * minus_log_rest, F{}, cross_entropy_factor * (x.p * no - x.rest * y)};
    if (!o.on) return terms;

    const PixelTerm<V> yes = focal_term<V>(x.p, x.rest, minus_log_p, o.gamma_positive);
    // a margin moves the probability of what is not the target towards zero, and there nothing moves
    const F p = V::max(F{}, x.p - o.margin), rest = o.margin > 0 ? 1.f - p : x.rest;
    const F minus_log = o.margin > 0 ? log_one_plus<V>(p / rest) : minus_log_rest;
    const PixelTerm<V> not_it = focal_term<V>(rest, p, minus_log, o.gamma_negative);
    const F moved = o.margin > 0 ? V::select(p > 0.f, x.p * x.rest / rest, F{}) : x.p;
    terms.focal = o.positive * y * yes.value + o.negative * no * not_it.value;
    terms.slope += focal_factor * (o.negative * no * not_it.weight * moved - o.positive * y * yes.weight * x.rest);
    return terms;
  }
};

}  // namespace cutloss::math
