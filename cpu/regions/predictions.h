// Predictions of single pixels as vectors: a sigmoid of each logit, or the number as it is; labels of either kind
// beside them; and what a loss's options make of both.
#pragma once

#include "cpu/regions/tile.h"
#include "cpu/simd/exp_float.h"
#include "math/regions/pixel_terms.h"
#include "math/regions/transform.h"

namespace cutloss::cpu {

/// Class ids with plain sums, the usual case: no squares, no differences, no transform. Then moments and gradient need
/// no more of a label than a comparison.
inline bool is_plain(const RegionsRequest& r) {
  return !r.soft_targets && !r.squared && !r.l1 && r.transform == int64_t(math::RegionTransform::kNone);
}

template <class V>
struct Prediction {
  using F = typename V::F;
  F p, rest;  // rest = 1 - p, precise where p is nearly one

  CUTLOSS_INLINE F sign(F x) { return V::select(x > 0.f, V::splat(1.f), V::select(x < 0.f, V::splat(-1.f), F{})); }
  CUTLOSS_INLINE F magnitude(F x) { return V::select(x < 0.f, -x, x); }

  CUTLOSS_INLINE Prediction of_probability(F p) { return {p, 1.f - p}; }
  CUTLOSS_INLINE Prediction of_logit(F z, Activation activation) {
    if (activation == Activation::kNone) return of_probability(z);
    const F e = exp_float<V>(-magnitude(z));
    const F inverse = 1.f / (1.f + e);
    return {V::select(z < 0.f, e, V::splat(1.f)) * inverse, V::select(z < 0.f, V::splat(1.f), e) * inverse};
  }

  /// dp/dz of what of_logit() gave.
  CUTLOSS_INLINE F slope(const Prediction& x, Activation activation) {
    return activation == Activation::kNone ? V::splat(1.f) : x.p * x.rest;
  }
};

/// The labels of class c at pixel i.
template <class V>
CUTLOSS_INLINE typename V::F label_at(const RegionTile<V>& t, int64_t c, int64_t i) {
  using F = typename V::F;
  using I = typename V::I;
  if (t.labels) return V::load(t.labels + c * t.pitch + i);
  return V::select(V::template load_as<I>(t.ids + i) == int32_t(c), V::splat(1.f), F{});
}

/// The term of a pixel and class whose prediction is a sigmoid: values of both terms, and the slope of their weighted
/// sum by the logit.
template <class V>
struct SigmoidTerms {
  using F = typename V::F;
  F cross_entropy, focal, slope;

  CUTLOSS_INLINE SigmoidTerms of(F z, F y, const RegionsRequest& r, const PixelFactors& factors) {
    const Prediction<V> x = Prediction<V>::of_logit(z, Activation::kSigmoid);
    const F softplus = math::log_one_plus<V>(exp_float<V>(-Prediction<V>::magnitude(z)));
    const F minus_log_p = softplus + V::max(F{}, -z), minus_log_rest = softplus + V::max(F{}, z);
    const F no = 1.f - y;
    SigmoidTerms terms = {y * minus_log_p + no * minus_log_rest, F{}, F{}};
    terms.slope = factors.cross_entropy * (x.p * no - x.rest * y);
    if (r.focal == 0) return terms;

    const float yes_weight = float(r.focal_positive), no_weight = float(r.focal_negative),
                margin = float(r.focal_margin);
    const auto yes = math::focal_term<V>(x.p, x.rest, minus_log_p, float(r.focal_gamma_positive));
    // a margin moves the probability of what is not the target towards zero, and there nothing moves
    const F p = V::max(F{}, x.p - margin), rest = margin > 0 ? 1.f - p : x.rest;
    const F minus_log = margin > 0 ? math::log_one_plus<V>(p / rest) : minus_log_rest;
    const auto not_it = math::focal_term<V>(rest, p, minus_log, float(r.focal_gamma_negative));
    const F moved = margin > 0 ? V::select(p > 0.f, x.p * x.rest / rest, F{}) : x.p;
    terms.focal = yes_weight * y * yes.value + no_weight * no * not_it.value;
    terms.slope += factors.focal * (no_weight * no * not_it.weight * moved - yes_weight * y * yes.weight * x.rest);
    return terms;
  }
};

}  // namespace cutloss::cpu
