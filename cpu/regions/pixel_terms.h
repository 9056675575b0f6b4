// The values of the pixels' own terms, cross-entropy and focal, of a tile: what the first pass adds up beside moments.
#pragma once

#include <cmath>

#include "cpu/regions/lane_total.h"
#include "cpu/regions/logarithms.h"
#include "cpu/regions/softmax.h"

namespace cutloss::cpu {

/// Of the softmax of a pixel whose target is a class, from what TileSoftmax tells apart.
template <class V>
struct TargetTerm {
  using F = typename V::F;

  F own, others, minus_log_p;

  /// Of the tile's pixels from i on; logarithms: what TileSoftmax says of t.own.
  CUTLOSS_INLINE TargetTerm of(const RegionTile<V>& t, int64_t i, bool logarithms) {
    const F own = V::load(t.own + i), others = V::load(t.others + i);
    if (!logarithms) return {own, others, math::log_one_plus<V>(others / own)};
    const F e = exp_float<V>(own), far = math::log_normal<V>(V::max(V::splat(1.f), others)) - own;
    return {e, others, V::select(own < -40.f, far, math::log_one_plus<V>(others / e))};
  }

  [[gnu::always_inline]] math::PixelTerm<V> focal(const RegionTile<V>& t, int64_t i) const {
    const math::FocalOptions o = focal_options(t.r);
    const F alpha =
        V::select(V::template load_as<typename V::I>(t.ids + i) == 0, V::splat(o.of_class(0)), V::splat(o.of_class(1)));
    const F inverse = 1.f / V::load(t.sum + i);
    const auto term = math::focal_term<V>(own * inverse, others * inverse, minus_log_p, o.gamma_positive);
    return {alpha * term.value, alpha * term.weight};
  }
};

template <class V, class T>
class PixelTerms {
 public:
  using F = typename V::F;
  using I = typename V::I;

  explicit PixelTerms(RegionTile<V>& tile) : t_(tile), r_(tile.r) {}

  double cross_entropy() const { return cross_entropy_.sum(); }
  double focal() const { return focal_.sum(); }
  void add_cross_entropy(F sum) { cross_entropy_.add(sum); }

  /// Terms of class ids, from the target's exponential and those of the others.
  void add_of_targets(bool logarithms) {
    if (!logarithms && !r_.mask && r_.focal == 0) return add_logarithms();
    F cross_entropy = {}, focal = {};
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const auto term = TargetTerm<V>::of(t_, i, logarithms);
      const F weight = V::load(t_.weight + i);
      const I none = weight == 0.f;
      cross_entropy += V::select(none, F{}, weight * term.minus_log_p);
      if (r_.focal != 0) focal += V::select(none, F{}, weight * term.focal(t_, i).value);
    }
    cross_entropy_.add(cross_entropy);
    focal_.add(focal);
  }

  /// Terms of labels that every class may have a share in.
  void add_of_labels(const T* image) {
    F cross_entropy = {}, focal = {};
    for (int64_t c = 0; c < r_.classes; ++c) {
      const float alpha = float(c == 0 ? r_.focal_negative : r_.focal_positive);
      for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
        const F weight = V::load(t_.weight + i), y = V::load(t_.labels + c * t_.pitch + i);
        const F p = V::load(t_.predictions + c * t_.pitch + i) / V::load(t_.sum + i);
        const I none = (weight == 0.f) | (y == 0.f);
        const F minus_log_p = minus_log(p, image, c, i);
        cross_entropy += V::select(none, F{}, weight * y * minus_log_p);
        if (r_.focal == 0) continue;
        const auto term = math::focal_term<V>(p, 1.f - p, minus_log_p, float(r_.focal_gamma_positive));
        focal += V::select(none, F{}, weight * alpha * y * term.value);
      }
    }
    cross_entropy_.add(cross_entropy);
    focal_.add(focal);
  }

  /// Of sigmoids, whose logits the tile has.
  void add_of_sigmoids() {
    F cross_entropy = {}, focal = {};
    for (int64_t c = 0; c < r_.classes; ++c) {
      for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
        const F weight = V::load(t_.weight + i), z = V::load(t_.predictions + c * t_.pitch + i);
        const auto terms = sigmoid_terms<V>(z, label_at(t_, c, i), r_, {});
        const I none = weight == 0.f;
        cross_entropy += V::select(none, F{}, weight * terms.cross_entropy);
        focal += V::select(none, F{}, weight * terms.focal);
      }
    }
    cross_entropy_.add(cross_entropy);
    focal_.add(focal);
  }

 private:
  /// The cross-entropy where pixels count once or not at all.
  void add_logarithms() {
    constexpr float kMostFactor = 0x1p30f;  // four of them are no infinity
    TargetProducts<V> products(t_.others);
    F sum = {};
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const I none = V::load(t_.weight + i) == 0.f;
      const F x = V::select(none, F{}, V::load(t_.others + i) / V::load(t_.own + i));
      if (V::all(x < kMostFactor)) {
        products.add(x, 1.f + x);
      } else {
        sum += math::log_one_plus<V>(x);
      }
    }
    cross_entropy_.add(sum + products.logarithms());
  }

  /// -log p, from the logits themselves where p vanishes.
  F minus_log(F p, const T* image, int64_t c, int64_t i) {
    constexpr float kLeast = 0x1p-100f;
    const F usual = -math::log_normal<V>(V::max(V::splat(kLeast), p));
    if (V::all(p >= kLeast)) return usual;
    float all[V::kLanes], probabilities[V::kLanes];
    V::store(all, usual);
    V::store(probabilities, p);
    for (int k = 0; k < V::kLanes && i + k < t_.count; ++k) {
      if (probabilities[k] < kLeast || std::isnan(probabilities[k])) all[k] = minus_log_of_logit(image, c, i + k);
    }
    return V::load(all);
  }

  float minus_log_of_logit(const T* image, int64_t c, int64_t i) const {
    const int64_t step = r_.channels_first ? r_.pixels : 1;
    const T* pixel = image + t_.offset(t_.at + i);
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < r_.classes; ++k) most = std::max<double>(most, math::widen(pixel[k * step]));
    for (int64_t k = 0; k < r_.classes; ++k) sum += std::exp(math::widen(pixel[k * step]) - most);
    return float(std::log(sum) + (most - math::widen(pixel[c * step])));
  }

  RegionTile<V>& t_;
  const RegionsRequest& r_;
  LaneTotal<V> cross_entropy_, focal_;
};

}  // namespace cutloss::cpu
