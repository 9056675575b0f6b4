// The first pass over a stretch: moments of every class, and the values of the pixels' own terms. Lanes add up in float
// within a tile and in double from tile to tile.
#pragma once

#include "cpu/regions/few_classes.h"
#include "cpu/regions/pixel_terms.h"

namespace cutloss::cpu {

template <class V, class T>
class RegionMomentSweep {
 public:
  static void run(const RegionStretch& stretch, StretchSums* out) { RegionMomentSweep(stretch).sweep(out); }

 private:
  using F = typename V::F;
  using I = typename V::I;
  using Rows = typename RegionTile<V>::Rows;
  using Total = LaneTotal<V>;
  static_assert(sizeof(Total) <= 2 * kVectorBytes);

  explicit RegionMomentSweep(const RegionStretch& stretch)
      : t_(stretch),
        r_(stretch.request),
        activation_(static_cast<Activation>(r_.activation)),
        plain_(is_plain(r_) && !r_.moments),
        terms_(t_) {
    t_.takes_rows =
        plain_ && stretch.worth_rows() && !r_.channels_first && (activation_ == Activation::kSoftmax || r_.focal == 0);
    if (t_.takes_rows) t_.describe_rows(nullptr);
  }

  void sweep(StretchSums* out) {
    Total* totals = reinterpret_cast<Total*>(t_.class_sums);
    std::fill_n(totals, r_.classes * kClassLines, Total{});
    std::fill_n(t_.class_parts, r_.classes * kClassLines * V::kLanes, 0.f);
    for (int64_t at = t_.s.first; at < t_.s.last; at += t_.pitch) {
      t_.move_to(at);
      if (!t_.load_pixels(&out->bad)) return;
      if (r_.soft_targets) t_.load_labels();
      add_weights();
      activation_ == Activation::kSoftmax ? softmax() : each_for_itself();
      if ((unsettled_ += t_.count) >= kMostTilePixels) settle();
    }
    settle();
    for (int64_t c = r_.first_class; c < r_.classes; ++c) {
      const Total* sums = totals + c * kClassLines;
      out->cells[c] = {sums[0].sum(), sums[1].sum(), sums[2].sum(), sums[3].sum(),
                       sums[4].sum(), sums[5].sum(), weight_.sum()};
    }
    if (plain_) finish_plain(out->cells);
    out->pixels = {terms_.cross_entropy(), terms_.focal(), weight_.sum()};
  }

  void add_weights() {
    ones_ = t_.ones;
    if (ones_) return weight_.add(V::splat(float(t_.padded / V::kLanes)));
    F sum = {};
    I ones = ~I{};
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const F weight = V::load(t_.weight + i);
      sum += weight;
      ones &= weight == 1.f;
    }
    weight_.add(sum);
    ones_ = V::all(ones);
  }

  void softmax() {
    if (plain_ && r_.focal == 0) {
      const bool done = try_few_classes<T>(t_, [this](const auto& few, auto classes) {
        if (!r_.has_pixel_terms()) return add_few<classes(), false, false>(few);
        return r_.mask ? add_few<classes(), true, false>(few) : add_few<classes(), true, true>(few);
      });
      if (done) return;
    }
    const T* image = r_.predictions.as<const T>();
    if (r_.has_pixel_terms() && !r_.soft_targets) {
      const bool logarithms = TileSoftmax<V, T, true, false>::run(t_, image, nullptr);
      terms_.add_of_targets(logarithms);
    } else {
      TileSoftmax<V, T, false, false>::run(t_, image, nullptr);
      if (r_.has_pixel_terms()) terms_.add_of_labels(image);
    }
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      const F weight = V::load(t_.weight + i);
      V::store(t_.scale + i, V::select(weight == 0.f, F{}, (plain_ ? weight : V::splat(1.f)) / V::load(t_.sum + i)));
    }
    if (plain_) return add_plain(t_.scale, [](F e, F scale, I) { return Product{e, scale}; });
    add_general(
        [scale = t_.scale](F e, int64_t i, F, F) { return Prediction<V>::of_probability(e * V::load(scale + i)); });
  }

  void each_for_itself() {
    const T* image = r_.predictions.as<const T>();
    t_.in_rows = t_.takes_rows;
    if (!t_.in_rows) t_.load_plane(image, t_.predictions);
    if (r_.focal != 0) terms_.add_of_sigmoids();
    const bool terms = r_.cross_entropy != 0 && r_.focal == 0;
    if (!plain_) {
      if (terms) return add_general(LabelledSigmoids(t_.own));
      return add_general([activation = activation_](F z, int64_t, F, F) { return predict<V>(z, activation); });
    }
    if (terms)
      return ones_ ? add_plain(t_.weight, Sigmoids<true>(t_.own)) : add_plain(t_.weight, Sigmoids<false>(t_.own));
    add_plain(t_.weight, [activation = activation_](F z, F weight, I) {
      return Product{V::select(weight == 0.f, F{}, predict<V>(z, activation).p), weight};
    });
  }

  /// A prediction times its weight, for sums to take unrounded.
  struct Product {
    F value, scale;

    [[gnu::always_inline]] F add_to(F sum) const { return V::multiply_add(value, scale, sum); }
    [[gnu::always_inline]] F add_where(I mask, F sum) const { return V::select(mask, add_to(sum), sum); }
  };

  /// Sigmoids times weights, and their cross-entropy on the way.
  template <bool kOnes>
  struct Sigmoids {
    SigmoidCrossEntropy<V, kOnes> terms;

    explicit Sigmoids(float* line) : terms(line) {}
    [[gnu::always_inline]] Product operator()(F z, F weight, I target) {
      const auto s = Sigmoid<V>::of(z);
      terms.add(s, V::select(target, -z, z), weight);
      return kOnes ? Product{s.part(), s.inverse} : Product{V::select(weight == 0.f, F{}, s.p()), weight};
    }
  };

  struct LabelledSigmoids {
    SigmoidCrossEntropy<V, false> terms;

    explicit LabelledSigmoids(float* line) : terms(line) {}
    [[gnu::always_inline]] Prediction<V> operator()(F z, int64_t, F label, F weight) {
      const auto s = Sigmoid<V>::of(z);
      terms.add_label(s, label, weight);
      return {s.p(), s.rest()};
    }
  };

  template <class Predicted>
  static constexpr bool has_terms = requires(Predicted predicted) { predicted.terms; };

  template <class Predicted>
  void add_terms_of(Predicted& predicted) {
    if constexpr (has_terms<Predicted>) terms_.add_cross_entropy(predicted.terms.sum());
  }

  /// Terms are of every class, also of those that belong to no region.
  template <class Predicted>
  int64_t first_class_with() const {
    return has_terms<Predicted> ? 0 : r_.first_class;
  }

  // Plain sums are three. Those of lanes, where tiles are in rows, stand where the others would.
  static constexpr int kOfLanes = 3;

  Total* totals_of(int64_t c) { return reinterpret_cast<Total*>(t_.class_sums) + c * kClassLines; }
  float* parts_of(int64_t c) { return t_.class_parts + c * (kClassLines * V::kLanes); }

  /// To a class's plain sums, `first` of which is the first, in floats.
  void add_parts(int64_t c, int first, F both, F predictions, F targets) {
    float* const parts = parts_of(c) + first * V::kLanes;
    V::store(parts, V::load(parts) + both);
    V::store(parts + V::kLanes, V::load(parts + V::kLanes) + predictions);
    V::store(parts + 2 * V::kLanes, V::load(parts + 2 * V::kLanes) + targets);
  }

  /// Floats become part of the doubles before there are too many to be exact.
  void settle() {
    unsettled_ = 0;
    const int count = t_.takes_rows ? 2 * kOfLanes : kOfLanes;
    for (int64_t c = 0; plain_ && c < r_.classes; ++c) {
      for (int of = 0; of < count; ++of) totals_of(c)[of].add(V::load(parts_of(c) + of * V::kLanes));
      std::fill_n(parts_of(c), count * V::kLanes, 0.f);
    }
  }

  /// Without a mask the cross-entropy's products are on the way too; their logarithms follow.
  template <int kClasses, bool kTarget, bool kProducts, class Few>
  bool add_few(const Few& few) {
    TargetProducts<V> products(t_.others);
    F both[kClasses] = {}, predictions[kClasses] = {}, targets[kClasses] = {};
    I good = ~I{};
    const int32_t* const all_ids = t_.ids;
    const float* const weights = t_.weight;
    float *const all_others = t_.others, *const all_own = t_.own;
    const int64_t end = t_.padded;
    for (int64_t i = 0; i < end; i += V::kLanes) {
      const I ids = V::template load_as<I>(all_ids + i);
      F e[kClasses], others = {}, own = V::splat(1.f);
      few.exponentials(i, e);
      for (int k = 0; kTarget && k < kClasses; ++k) {
        own = V::select(ids == k, e[k], own);
        others = V::add_where(ids != k, others, e[k]);
      }
      const F sum = kTarget ? others + own : add_up<F>(e), weight = V::load(weights + i);
      F scale;
      if (kProducts) {  // two quotients by one division; weights are 0 or 1
        const F inverse = weight / (own * sum), x = others * sum * inverse;
        scale = own * inverse;
        products.add(x, 1.f + x);
      } else {
        scale = weight / sum;
      }
      if (kTarget && !kProducts) {
        V::store(all_others + i, others);
        V::store(all_own + i, own);
      }
      good &= TileSoftmax<V, T, kTarget, false>::in_range(sum, own);
      for (int k = 0; k < kClasses; ++k) {
        const I target = ids == k;
        const Product p = {e[k], scale};
        predictions[k] = p.add_to(predictions[k]);
        both[k] = p.add_where(target, both[k]);
        targets[k] = V::add_where(target, targets[k], weight);
      }
    }
    const F logarithms = kProducts ? products.logarithms() : F{};
    if (!V::all(good & (logarithms < INFINITY))) return false;
    for (int k = 0; k < kClasses; ++k) add_parts(k, 0, both[k], predictions[k], targets[k]);
    if (kProducts) {
      terms_.add_cross_entropy(logarithms);
    } else if (kTarget) {
      terms_.add_of_targets(false);
    }
    return true;
  }

  /// weighted(value, scale, target) are predictions times weights, of what the tile has of a class and of a pixel.
  template <class Weighted>
  void add_plain(const float* scales, const Weighted& weighted) {
    if (t_.in_rows) {
      const bool of_logits = activation_ != Activation::kSoftmax;
      const Rows rows = of_logits ? t_.whole_rows(r_.predictions.as<const T>()) : Rows{t_.rows, 0};
      return r_.mask ? add_rows<true>(rows, scales, weighted) : add_rows<false>(rows, scales, weighted);
    }
    int64_t c = first_class_with<Weighted>();
    for (; c + 4 <= r_.classes; c += 4) add_lines<4>(c, scales, weighted);
    for (; c < r_.classes; ++c) add_lines<1>(c, scales, weighted);
  }

  template <int kClasses, class Weighted>
  void add_lines(int64_t first, const float* scales, Weighted weighted) {
    F both[kClasses] = {}, predictions[kClasses] = {}, targets[kClasses] = {};
    const float *const values = t_.predictions + first * t_.pitch, *const weights = t_.weight;
    const int32_t* const all_ids = t_.ids;
    const int64_t pitch = t_.pitch, end = t_.padded;
    for (int64_t i = 0; i < end; i += V::kLanes) {
      const I ids = V::template load_as<I>(all_ids + i);
      const F weight = V::load(weights + i), scale = V::load(scales + i);
      for (int k = 0; k < kClasses; ++k) {
        const I target = ids == int32_t(first + k);
        const Product p = weighted(V::load(values + k * pitch + i), scale, target);
        predictions[k] = p.add_to(predictions[k]);
        both[k] = p.add_where(target, both[k]);
        targets[k] = V::add_where(target, targets[k], weight);
      }
    }
    for (int k = 0; k < kClasses; ++k) add_parts(first + k, 0, both[k], predictions[k], targets[k]);
    add_terms_of(weighted);
  }

  /// The same of a tile in rows: lanes keep to their classes, and are put together at the end.
  template <bool kMasked, class Weighted>
  void add_rows(Rows rows, const float* scales, const Weighted& weighted) {
    int64_t k = 0;
    for (; k + 2 <= r_.classes; k += 2) add_rows<kMasked, 2>(k, rows, scales, weighted);
    if (k < r_.classes) add_rows<kMasked, 1>(k, rows, scales, weighted);
  }

  template <bool kMasked, int kVectors, class Weighted>
  void add_rows(int64_t first, Rows rows, const float* scales, Weighted weighted) {
    const int64_t row = r_.classes * V::kLanes, end = t_.padded;
    const float *const weights = t_.weight, *at = rows.first + first * V::kLanes;
    const int32_t* const ids = t_.ids;
    F both[kVectors] = {}, predictions[kVectors] = {}, targets[kVectors] = {};
    const bool fetches = rows.ahead != 0;
    I pixel[kVectors], label[kVectors];
    for (int k = 0; k < kVectors; ++k) pixel[k] = t_.lanes[first + k].pixel, label[k] = t_.lanes[first + k].label;
    for (int64_t i = 0; i < end; i += V::kLanes, at += row) {
      const F id = V::template load_as<F>(ids + i), scale = V::load(scales + i), weight = V::load(weights + i);
      for (int k = 0; k < kVectors; ++k) {
        const float* vector = at + k * V::kLanes;
        if (fetches) prefetch_next(vector + rows.ahead);
        const I target = (I)V::rearrange(id, pixel[k]) == label[k];
        const Product p = weighted(V::load(vector), V::rearrange(scale, pixel[k]), target);
        predictions[k] = p.add_to(predictions[k]);
        both[k] = p.add_where(target, both[k]);
        targets[k] = V::add_where(target, targets[k], kMasked ? V::rearrange(weight, pixel[k]) : V::splat(1.f));
      }
    }
    for (int k = 0; k < kVectors; ++k) add_parts(first + k, kOfLanes, both[k], predictions[k], targets[k]);
    add_terms_of(weighted);
  }

  /// Sums of lanes go to the classes that they are of.
  void finish_plain(math::RegionMoments* cells) {
    for (int64_t c = r_.first_class; c < r_.classes; ++c) {
      cells[c].predictions_squared = cells[c].targets_squared = cells[c].least = 0;
    }
    for (int64_t k = 0; t_.takes_rows && k < r_.classes; ++k) {
      double lanes[3][V::kLanes];
      for (int of = 0; of < 3; ++of) totals_of(k)[kOfLanes + of].store(lanes[of]);
      for (int i = 0; i < V::kLanes; ++i) {
        const int64_t c = (k * V::kLanes + i) % r_.classes;
        if (c >= r_.first_class) cells[c].add({lanes[0][i], lanes[1][i], lanes[2][i], 0, 0, 0, 0});
      }
    }
    for (int64_t c = r_.first_class; c < r_.classes; ++c) cells[c].targets_squared = cells[c].targets;
  }

  /// predicted(value, i, label, weight), of what the tile has of a class and of the pixels from i on.
  template <class Predicted>
  void add_general(const Predicted& prototype) {
    const auto transform = static_cast<math::RegionTransform>(r_.transform);
    for (int64_t c = first_class_with<Predicted>(); c < r_.classes; ++c) {
      F sums[kClassLines] = {};
      Predicted predicted = prototype;
      for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
        const F weight = V::load(t_.weight + i), label = label_at(t_, c, i);
        const I none = weight == 0.f;
        const Prediction<V> x = predicted(V::load(t_.predictions + c * t_.pitch + i), i, label, weight);
        const F value = math::transform_prediction<V>(transform, x.p, x.rest, float(r_.transform_parameter)).value;
        const F q = V::select(none, F{}, value), y = V::select(none, F{}, label);
        sums[0] += weight * q * y;
        sums[1] += weight * q;
        sums[2] += weight * y;
        sums[3] += weight * q * q;
        sums[4] += weight * y * y;
        sums[5] += weight * V::select(y < q, y, q);  // q where that is not a number
      }
      for (int k = 0; k < kClassLines; ++k) totals_of(c)[k].add(sums[k]);
      add_terms_of(predicted);
    }
  }

  RegionTile<V> t_;
  const RegionsRequest& r_;
  Activation activation_;
  bool plain_;
  PixelTerms<V, T> terms_;
  bool ones_ = false;  // whether all pixels of the tile weigh 1
  int64_t unsettled_ = 0;
  Total weight_;
};

}  // namespace cutloss::cpu
