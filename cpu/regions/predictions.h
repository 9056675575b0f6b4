// Predictions of single pixels as vectors: a sigmoid of each logit, or the number as it is; labels of either kind
// beside them; and what a loss's options make of both.
#pragma once

#include "cpu/regions/tile.h"
#include "cpu/simd/exp_float.h"
#include "engine/region_losses.h"
#include "math/regions/prediction.h"

namespace cutloss::cpu {

/// Class ids with plain sums, the usual case: no squares, no differences, no transform. Then moments and gradient need
/// no more of a label than a comparison.
inline bool is_plain(const RegionsRequest& r) {
  return !r.soft_targets && !r.squared && !r.l1 && r.transform == int64_t(math::RegionTransform::kNone);
}

template <class V>
using Prediction = math::Prediction<V>;

/// What a sigmoid is made of.
template <class V>
struct Sigmoid {
  using F = typename V::F;
  using I = typename V::I;

  F size, e;       // |z|, exp(-|z|)
  F all, inverse;  // 1 + e, 1 / (1 + e)
  I negative;

  CUTLOSS_INLINE Sigmoid of(F z) {
    Sigmoid s;
    s.size = math::magnitude<V>(z);
    s.e = exp_float<V>(-s.size);
    s.all = 1.f + s.e;
    s.inverse = 1.f / s.all;
    s.negative = z < 0.f;
    return s;
  }
  [[gnu::always_inline]] F part() const { return V::select(negative, e, V::splat(1.f)); }
  [[gnu::always_inline]] F p() const { return part() * inverse; }
  [[gnu::always_inline]] F rest() const { return V::select(negative, V::splat(1.f), e) * inverse; }
};

template <class V>
CUTLOSS_INLINE Prediction<V> predict(typename V::F z, Activation activation) {
  if (activation == Activation::kNone) return Prediction<V>::of_probability(z);
  const auto s = Sigmoid<V>::of(z);
  return {s.p(), s.rest()};
}

/// dp/dz of what predict() gave.
template <class V>
CUTLOSS_INLINE typename V::F slope_of_prediction(const Prediction<V>& x, Activation activation) {
  return activation == Activation::kNone ? V::splat(1.f) : x.p * x.rest;
}

/// The labels of class c at pixel i.
template <class V>
CUTLOSS_INLINE typename V::F label_at(const RegionTile<V>& t, int64_t c, int64_t i) {
  using F = typename V::F;
  using I = typename V::I;
  if (t.labels) return V::load(t.labels + c * t.pitch + i);
  return V::select(V::template load_as<I>(t.ids + i) == int32_t(c), V::splat(1.f), F{});
}

template <class V>
CUTLOSS_INLINE math::SigmoidTerms<V> sigmoid_terms(typename V::F z, typename V::F y, const RegionsRequest& r,
                                                   const PixelFactors& factors) {
  const Prediction<V> x = predict<V>(z, Activation::kSigmoid);
  const typename V::F softplus = math::log_one_plus<V>(exp_float<V>(-math::magnitude<V>(z)));
  return math::SigmoidTerms<V>::of(x, softplus, z, y, focal_options(r), factors.cross_entropy, factors.focal);
}

}  // namespace cutloss::cpu
