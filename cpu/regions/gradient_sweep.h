// The second pass over a stretch: with g = dL/dp of every class,
//
//   softmax  dz_k = m (p_k (g_k - sum_j p_j g_j) + v (p_k - y_k))      v: weight of the pixel's own terms
//   sigmoid  dz_k = m (p_k (1 - p_k) g_k + terms')                     none  dz_k = m g_k
//
// and each element written once.
#pragma once

#include <algorithm>
#include <cmath>

#include "cpu/regions/few_classes.h"
#include "cpu/regions/pixel_terms.h"
#include "cpu/regions/run_writer.h"

namespace cutloss::cpu {

template <class V, class T>
class RegionGradientSweep {
 public:
  static void run(const RegionStretch& stretch, const StretchSlopes& slopes) {
    slopes.stream ? RegionGradientSweep(stretch, slopes).sweep<true>()
                  : RegionGradientSweep(stretch, slopes).sweep<false>();
  }

 private:
  using F = typename V::F;
  using I = typename V::I;

  RegionGradientSweep(const RegionStretch& stretch, const StretchSlopes& slopes)
      : t_(stretch),
        r_(stretch.request),
        slopes_(slopes),
        activation_(static_cast<Activation>(r_.activation)),
        plain_(is_plain(r_) && !slopes.planes.first && (activation_ != Activation::kSoftmax || moderate(slopes))) {
    t_.takes_rows =
        plain_ && stretch.worth_rows() && !r_.channels_first && (activation_ == Activation::kSoftmax || r_.focal == 0);
    if (t_.takes_rows) t_.describe_rows(slopes.cells);
  }

  /// Whether their products with exponentials that are taken as they are, 2^60 at most, and with the sums' reciprocals
  /// stay normal numbers.
  bool moderate(const StretchSlopes& slopes) const {
    constexpr float kLeast = 0x1p-56f, kMost = 0x1p60f;
    float most = 0;
    bool all = true;
    const auto look = [&](float slope) {
      all &= std::fabs(slope) <= kMost;
      most = std::max(most, std::fabs(slope));
    };
    look(slopes.pixels.cross_entropy), look(slopes.pixels.focal);
    for (int64_t c = 0; c < r_.classes; ++c) look(slopes.cells[c].b), look(slopes.cells[c].a + slopes.cells[c].b);
    return all && (most == 0 || most >= kLeast);
  }

  template <bool kStream>
  void sweep() {
    int64_t bad;  // an id that was changed since the first pass is no class, and no harm
    for (int64_t at = t_.s.first; at < t_.s.last; at += t_.pitch) {
      t_.move_to(at);
      (void)t_.load_pixels(&bad);
      if (r_.soft_targets) t_.load_labels();
      if (activation_ != Activation::kSoftmax) {
        each_for_itself<kStream>();
      } else if (plain_) {
        plain_softmax<kStream>();
      } else {
        general_softmax<kStream>();
      }
    }
  }

  /// The tile's gradient: value(c)(i) for every class and pixel.
  template <bool kStream, class Value>
  void write(const Value& value) {
    T* image = r_.gradient.as<T>();
    if (!r_.channels_first) return t_.template write_rows<kStream>(image, value);
    for (int64_t c = 0; c < r_.classes; ++c) {
      t_.template write<kStream>(image + t_.offset(t_.at) + c * r_.pixels, t_.count, value(c));
    }
  }

  template <bool kStream, int kClasses, bool kTerms, class Few>
  bool write_few(const Few& few) {
    F slopes[kClasses], slopes_of_target[kClasses];
    for (int k = 0; k < kClasses; ++k) {
      slopes[k] = V::splat(slopes_.cells[k].b);
      slopes_of_target[k] = V::splat(slopes_.cells[k].a + slopes_.cells[k].b);
    }
    const F v = V::splat(slopes_.pixels.cross_entropy);
    const int32_t* const all_ids = t_.ids;
    const float* const weights = t_.weight;
    const int64_t end = t_.padded;
    I good = ~I{};
    for (int64_t i = 0; i < end; i += V::kLanes) {
      const I ids = V::template load_as<I>(all_ids + i);
      F e[kClasses], slope[kClasses], mean = {};
      few.exponentials(i, e);
      for (int k = 0; k < kClasses; ++k) {
        slope[k] = V::select(ids == k, slopes_of_target[k], slopes[k]);
        mean = V::multiply_add(e[k], slope[k], mean);
      }
      const F sum = add_up<F>(e), weight = V::load(weights + i);
      good &= TileSoftmax<V, T, false, true>::in_range(sum, F{});
      const F inverse = 1.f / sum, scale = weight * inverse;
      mean *= inverse;
      if (kTerms) mean -= v;
      mean *= scale;
      for (int k = 0; k < kClasses; ++k) {
        const F value = e[k] * V::multiply_add(scale, slope[k], -mean);
        e[k] = kTerms ? V::add_where(ids == k, value, -(weight * v)) : value;
      }
      few.keep(i, e);
    }
    if (!V::all(good)) return false;
    few.template write<kStream>();
    return true;
  }

  template <bool kStream>
  void plain_softmax() {
    if (slopes_.pixels.focal == 0) {
      const bool done = try_few_classes<T>(t_, [this](const auto& few, auto classes) {
        return r_.has_pixel_terms() ? write_few<kStream, classes(), true>(few)
                                    : write_few<kStream, classes(), false>(few);
      });
      if (done) return;
    }
    const T* image = r_.predictions.as<const T>();
    bool logarithms = false;
    if (slopes_.pixels.focal != 0) {
      logarithms = TileSoftmax<V, T, true, true>::run(t_, image, slopes_.cells);
    } else {
      TileSoftmax<V, T, false, true>::run(t_, image, slopes_.cells);
    }
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const F weight = V::load(t_.weight + i);
      const I none = weight == 0.f;
      const F inverse = 1.f / V::load(t_.sum + i);
      F v = V::splat(slopes_.pixels.cross_entropy);
      if (slopes_.pixels.focal != 0)
        v += slopes_.pixels.focal * TargetTerm<V>::of(t_, i, logarithms).focal(t_, i).weight;
      const F scale = weight * inverse;
      V::store(t_.mean + i, V::select(none, F{}, (V::load(t_.mean + i) * inverse - v) * scale));
      V::store(t_.scale + i, V::select(none, F{}, scale));
      V::store(t_.pull + i, V::select(none, F{}, weight * v));
    }
    const bool terms = r_.has_pixel_terms();
    if (t_.in_rows) return terms ? write_plain_rows<kStream, true>() : write_plain_rows<kStream, false>();
    terms ? write_plain<kStream, true>() : write_plain<kStream, false>();
  }

  template <bool kStream, bool kTerms>
  void write_plain_rows() {
    write_rows<kStream>({t_.rows, 0}, [mean = t_.mean, scale = t_.scale, pull = t_.pull](int64_t i) {
      return [mean = V::load(mean + i), scale = V::load(scale + i), pull = V::load(pull + i)](F e, I target,
                                                                                              const auto& lanes) {
        const F slope = V::select(target, lanes.slope_of_target, lanes.slope);
        const F value = e * V::multiply_add(V::rearrange(scale, lanes.pixel), slope, -V::rearrange(mean, lanes.pixel));
        return kTerms ? V::add_where(target, value, -V::rearrange(pull, lanes.pixel)) : value;
      };
    });
  }

  /// The tile's gradient from its rows: value(i)(row, is_target, lanes) for every vector of them, where what belongs to
  /// the pixels from i on goes to the lanes that are of it.
  template <bool kStream, class Value>
  void write_rows(typename RegionTile<V>::Rows rows, const Value& value) {
    RunWriter<V, T, kStream> out(r_.gradient.as<T>() + t_.offset(t_.at), t_.count * r_.classes);
    const int64_t classes = r_.classes, end = t_.padded;
    const int32_t* const all_ids = t_.ids;
    const float* row = rows.first;
    const auto* const all_lanes = t_.lanes;
    for (int64_t i = 0; i < end; i += V::kLanes) {
      const auto of_pixels = value(i);
      const F ids = V::template load_as<F>(all_ids + i);
      for (int64_t k = 0; k < classes; ++k, row += V::kLanes) {
        const auto& lanes = all_lanes[k];
        prefetch_next(row + rows.ahead);
        out.push(of_pixels(V::load(row), (I)V::rearrange(ids, lanes.pixel) == lanes.label, lanes));
      }
    }
    out.finish();
  }

  template <bool kStream, bool kTerms>
  void write_plain() {
    write<kStream>([this](int64_t c) {
      const F b = V::splat(slopes_.cells[c].b), ab = V::splat(slopes_.cells[c].a + slopes_.cells[c].b);
      return [b, ab, c = int32_t(c), e = t_.predictions + c * t_.pitch, ids = t_.ids, mean = t_.mean, scale = t_.scale,
              pull = t_.pull](int64_t i) {
        const I target = V::template load_as<I>(ids + i) == c;
        const F slope = V::select(target, ab, b);
        const F value = V::load(e + i) * V::multiply_add(V::load(scale + i), slope, -V::load(mean + i));
        return kTerms ? V::add_where(target, value, -V::load(pull + i)) : value;
      };
    });
  }

  /// dL/dp of class c at pixel i, for the weight 1.
  CUTLOSS_INLINE F slope_of(const RegionTile<V>& t, const StretchSlopes& slopes, int64_t c, int64_t i,
                            const Prediction<V>& x, F y) {
    const RegionsRequest& r = t.r;
    const CellSlopes& s = slopes.cells[c];
    const F slope = math::slope_of<V>({s.a, s.b, s.c, s.d}, static_cast<math::RegionTransform>(r.transform),
                                      float(r.transform_parameter), x, y);
    if (!slopes.planes.first || c < r.first_class) return slope;
    return slope + V::load(slopes.planes.of(c - r.first_class) + t.at + i);
  }

  /// y v of a class: what its own terms pull at the pixel.
  F pull_of(int64_t c, const Prediction<V>& x, F y) const {
    F v = V::splat(slopes_.pixels.cross_entropy);
    if (slopes_.pixels.focal != 0) {
      constexpr float kLeast = 0x1p-100f;
      const F minus_log_p = -math::log_normal<V>(V::max(V::splat(kLeast), x.p));
      const auto term = math::focal_term<V>(x.p, x.rest, minus_log_p, float(r_.focal_gamma_positive));
      v += slopes_.pixels.focal * float(c == 0 ? r_.focal_negative : r_.focal_positive) * term.weight;
    }
    return V::select(y == 0.f, F{}, y * v);
  }

  template <bool kStream>
  void general_softmax() {
    TileSoftmax<V, T, false, false>::run(t_, r_.predictions.as<const T>(), nullptr);
    const bool terms = r_.has_pixel_terms();
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const F weight = V::load(t_.weight + i);
      V::store(t_.scale + i, V::select(weight == 0.f, F{}, 1.f / V::load(t_.sum + i)));
      V::store(t_.mean + i, F{});
    }
    const auto predicted = [&](int64_t c, int64_t i) {
      return Prediction<V>::of_probability(V::load(t_.predictions + c * t_.pitch + i) * V::load(t_.scale + i));
    };
    for (int64_t c = 0; c < r_.classes; ++c) {
      for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
        const Prediction<V> x = predicted(c, i);
        const F y = label_at(t_, c, i);
        F mean = V::multiply_add(x.p, slope_of(t_, slopes_, c, i, x, y), V::load(t_.mean + i));
        if (terms) mean -= pull_of(c, x, y);
        V::store(t_.mean + i, mean);
      }
    }
    write<kStream>([&, this](int64_t c) {
      return [&, this, c](int64_t i) {
        const Prediction<V> x = predicted(c, i);
        const F y = label_at(t_, c, i), weight = V::load(t_.weight + i);
        F value = x.p * (slope_of(t_, slopes_, c, i, x, y) - V::load(t_.mean + i));
        if (terms) value -= pull_of(c, x, y);
        return V::select(weight == 0.f, F{}, weight * value);
      };
    });
  }

  template <bool kStream>
  void each_for_itself() {
    if (!t_.takes_rows) t_.load_plane(r_.predictions.as<const T>(), t_.predictions);
    if (!plain_ || r_.focal != 0) return write_general_each<kStream>();
    if (activation_ == Activation::kNone) return write_each<kStream>([](F, F slope, I) { return slope; });
    const float v = slopes_.pixels.cross_entropy;
    write_each<kStream>([v](F z, F slope, I target) {
      const auto wrong = Sigmoid<V>::of(V::select(target, -z, z));
      return wrong.p() * (wrong.rest() * slope + V::select(target, V::splat(-v), V::splat(v)));
    });
  }

  /// by_logit(z, dL/dp, target) is what a pixel's loss rises by.
  template <bool kStream, class Value>
  void write_each(const Value& by_logit) {
    if (t_.takes_rows) {
      return write_rows<kStream>(t_.whole_rows(r_.predictions.as<const T>()),
                                 [by_logit, weights = t_.weight](int64_t i) {
                                   return [by_logit, weights = V::load(weights + i)](F z, I target, const auto& lanes) {
                                     const F weight = V::rearrange(weights, lanes.pixel);
                                     const F slope = V::select(target, lanes.slope_of_target, lanes.slope);
                                     return V::select(weight == 0.f, F{}, weight * by_logit(z, slope, target));
                                   };
                                 });
    }
    write<kStream>([this, by_logit](int64_t c) {
      const F b = V::splat(slopes_.cells[c].b), ab = V::splat(slopes_.cells[c].a + slopes_.cells[c].b);
      return [b, ab, by_logit, c = int32_t(c), z = t_.predictions + c * t_.pitch, ids = t_.ids,
              weights = t_.weight](int64_t i) {
        const I target = V::template load_as<I>(ids + i) == c;
        const F weight = V::load(weights + i);
        return V::select(weight == 0.f, F{}, weight * by_logit(V::load(z + i), V::select(target, ab, b), target));
      };
    });
  }

  template <bool kStream>
  void write_general_each() {
    const float v = slopes_.pixels.cross_entropy;
    write<kStream>([&, this](int64_t c) {
      return [&, this, c](int64_t i) {
        const F z = V::load(t_.predictions + c * t_.pitch + i), weight = V::load(t_.weight + i);
        const F y = label_at(t_, c, i);
        const Prediction<V> x = predict<V>(z, activation_);
        F value = slope_of(t_, slopes_, c, i, x, y) * slope_of_prediction<V>(x, activation_);
        if (r_.focal != 0) {
          value += sigmoid_terms<V>(z, y, r_, slopes_.pixels).slope;
        } else if (v != 0) {
          value += v * (x.p * (1.f - y) - x.rest * y);
        }
        return V::select(weight == 0.f, F{}, weight * value);
      };
    });
  }

  RegionTile<V> t_;
  const RegionsRequest& r_;
  const StretchSlopes& slopes_;
  Activation activation_;
  bool plain_;
};

}  // namespace cutloss::cpu
