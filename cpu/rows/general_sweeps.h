// The same row in double, chunk by chunk through a scratch in the first-level cache, with everything a loss may ask:
// temperature, softcap, class weights, label smoothing, probability targets, entropy. Rounded at the end, to float and
// from there to the type.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "cpu/rows/row_kernels.h"
#include "cpu/simd/exp_double.h"

namespace cutloss::cpu {

template <class V, class T>
struct GeneralRowSweep {
  using D = typename V::D;
  static constexpr int64_t kChunk = 256;
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  struct alignas(64) Scratch {
    double z[kChunk];
    double slope[kChunk];   // dz / dlogit
    double weight[kChunk];  // w_j
    double label[kChunk];   // t_j, smoothed
  };

  /// Whole vectors; chunks always have room for them.
  CUTLOSS_INLINE int64_t padded(int64_t count) { return (count + V::kLanes - 1) / V::kLanes * V::kLanes; }

  template <class From>
  CUTLOSS_INLINE void widen(const From* from, int64_t count, double* to) {
    float narrow[kChunk];
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) V::store(narrow + i, V::load(from + i));
    for (; i < padded(count); ++i) narrow[i] = i < count ? math::widen(from[i]) : 0;
    for (i = 0; i < count; i += V::kDoubles) V::store_as(to + i, V::widen(narrow + i));
  }

  // Never inlined, so that a logit has the same z wherever it is asked for.
  [[gnu::noinline]] static void transform(const GeneralRow& row, int64_t count, Scratch* s) {
    for (int64_t i = 0; i < count; i += V::kDoubles) {
      D z, slope;
      row.transform.apply(V::template load_as<D>(s->z + i), exp_double<V>, &z, &slope);
      V::store_as(s->z + i, z);
      V::store_as(s->slope + i, slope);
    }
  }

  static void load_labels(const GeneralRow& row, const RowTarget& target, int64_t at, int64_t count, Scratch* s) {
    if (row.class_weights) {
      widen(row.class_weights + at, count, s->weight);
    } else {
      std::fill_n(s->weight, padded(count), 1.0);
    }
    if (target.labels) {
      switch (row.labels_dtype) {
        case DType::kFloat16: widen(static_cast<const Half*>(target.labels) + at, count, s->label); break;
        case DType::kBFloat16: widen(static_cast<const BFloat16*>(target.labels) + at, count, s->label); break;
        default: widen(static_cast<const float*>(target.labels) + at, count, s->label);
      }
      const double share = row.label_smoothing / row.classes;
      for (int64_t i = 0; i < count; ++i) s->label[i] = (1 - row.label_smoothing) * s->label[i] + share;
    } else {
      std::fill_n(s->label, count, 1.0);
    }
    std::fill(s->label + count, s->label + padded(count), 0.0);
  }

  /// Elements at..at+count of the row as z, the rest of the last vector as -inf.
  CUTLOSS_INLINE void load_chunk(const T* logits, const GeneralRow& row, int64_t at, int64_t count, Scratch* s) {
    widen(logits + at, count, s->z);
    transform(row, count, s);
    for (int64_t i = count; i < padded(count); ++i) s->z[i] = -kInfinity;
  }

  /// z of one element.
  static double element(const void* logits, const GeneralRow& row, int64_t index) {
    Scratch s;
    load_chunk(static_cast<const T*>(logits), row, index, 1, &s);
    return s.z[0];
  }

  static void add_labels(const Scratch& s, int64_t count, math::RowStatistics* out) {
    const double anchor = out->label_anchor();
    D labels = {}, labelled = {};
    for (int64_t i = 0; i < count; i += V::kDoubles) {
      const D share = V::template load_as<D>(s.weight + i) * V::template load_as<D>(s.label + i);
      labels += share;
      labelled +=
          share == 0 ? D{} : share * (V::template load_as<D>(s.z + i) - anchor);  // a masked class without a label
    }
    out->labels += V::horizontal_sum(labels);
    out->labelled_gap += V::horizontal_sum(labelled);
  }

  static double largest(const Scratch& s, int64_t count) {
    D most = V::splat(-kInfinity);
    for (int64_t i = 0; i < count; i += V::kDoubles) {
      const D z = V::template load_as<D>(s.z + i);
      most = z > most ? z : most;
    }
    return V::horizontal_max(most);
  }

  /// Sums so far are relative to a maximum that a new chunk may raise.
  static void raise_max(double most, math::RowStatistics* out) {
    if (!(most > out->max)) return;
    const double gap = out->max - most, shrink = std::exp(gap);
    out->weighted_max_gap = shrink > 0 ? (out->weighted_max_gap + gap * out->sum) * shrink : 0;
    out->sum *= shrink;
    out->labelled_gap += out->labels * (out->label_anchor() - most);
    out->max = most;
  }

  static void add_softmax(const Scratch& s, int64_t count, math::RowStatistics* out) {
    const double most = out->max;
    if (most == -kInfinity) {
      for (int64_t i = 0; i < count; ++i) out->sum += s.z[i] != s.z[i] ? s.z[i] : 0;
      return;
    }
    D sum = {}, gaps = {};
    for (int64_t i = 0; i < count; i += V::kDoubles) {
      const D gap = V::template load_as<D>(s.z + i) - most;
      const D e = exp_double<V>(gap);
      sum += e;
      gaps += e * (gap < -700 ? D{} : gap);
    }
    out->sum += V::horizontal_sum(sum);
    out->weighted_max_gap += V::horizontal_sum(gaps);
  }

  static math::RowStatistics statistics(const void* logits, const GeneralRow& row, const RowTarget& target) {
    math::RowStatistics out = {-kInfinity, 0, 0, 0, 0};
    Scratch s;
    for (int64_t at = 0; at < row.classes; at += kChunk) {
      const int64_t count = row.classes - at < kChunk ? row.classes - at : kChunk;
      load_chunk(static_cast<const T*>(logits), row, at, count, &s);
      double* target_z = target.id >= at && target.id < at + count ? s.z + (target.id - at) : nullptr;
      const double kept_z = target_z ? std::exchange(*target_z, -kInfinity) : 0;
      raise_max(largest(s, count), &out);
      if (row.wants_labels) {
        load_labels(row, target, at, count, &s);
        if (target_z) *target_z = kept_z;
        add_labels(s, count, &out);
        if (target_z) *target_z = -kInfinity;
      }
      add_softmax(s, count, &out);
    }
    return out;
  }

  static void gradient(const void* logits, void* gradient, const GeneralRow& row, const RowTarget& target,
                       const math::RowOutcome& outcome) {
    T* g = static_cast<T*>(gradient);
    Scratch s;
    float result[kChunk];
    for (int64_t at = 0; at < row.classes; at += kChunk) {
      const int64_t count = row.classes - at < kChunk ? row.classes - at : kChunk;
      load_chunk(static_cast<const T*>(logits), row, at, count, &s);
      if (row.wants_labels) load_labels(row, target, at, count, &s);
      for (int64_t i = 0; i < count; i += V::kDoubles) {
        D dz = outcome.softmax *
               exp_double<V>((V::template load_as<D>(s.z + i) - outcome.lse.anchor) - outcome.lse.excess);
        if (row.wants_labels) {
          dz -= outcome.labels * V::template load_as<D>(s.weight + i) * V::template load_as<D>(s.label + i);
        }
        V::narrow(result + i, dz * V::template load_as<D>(s.slope + i));
      }
      if (target.id >= at && target.id < at + count) {
        result[target.id - at] = static_cast<float>(outcome.target * s.slope[target.id - at]);
      }
      int64_t i = 0;
      for (; i + V::kLanes <= count; i += V::kLanes) V::store(g + at + i, V::load(result + i));
      for (; i < count; ++i) math::narrow(result[i], g + at + i);
    }
  }
};

}  // namespace cutloss::cpu
