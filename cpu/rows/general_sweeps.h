// The same row in double, chunk by chunk through a scratch in the first-level cache, with everything a loss may ask:
// temperature, softcap, class weights, label smoothing, probability targets, entropy. Rounded once, at the end.
#pragma once

#include <limits>

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

  template <class From>
  CUTLOSS_INLINE void widen(const From* from, int64_t count, double* to) {
    float narrow[kChunk];
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) V::store(narrow + i, V::load(from + i));
    for (; i < kChunk; ++i) narrow[i] = i < count ? math::widen(from[i]) : 0;
    for (i = 0; i < kChunk; i += V::kDoubles) V::store_as(to + i, V::widen(narrow + i));
  }

  static void transform(const GeneralRow& row, Scratch* s) {
    for (int64_t i = 0; i < kChunk; i += V::kDoubles) {
      D z = V::template load_as<D>(s->z + i) * row.inverse_temperature;
      D slope = V::splat(row.inverse_temperature);
      if (row.softcap > 0) {
        // tanh u = (1 - e) / (1 + e) with e = exp(-2|u|); its derivative 4e / (1 + e)^2 keeps its precision
        const D u = z / row.softcap;
        const D e = exp_double<V>(u < 0 ? 2 * u : -2 * u);
        const D tanh = (1 - e) / (1 + e);
        z = row.softcap * (u < 0 ? -tanh : tanh);
        slope *= 4 * e / ((1 + e) * (1 + e));
      }
      V::store_as(s->z + i, z);
      V::store_as(s->slope + i, slope);
    }
  }

  static void load_labels(const GeneralRow& row, const RowTarget& target, int64_t at, int64_t count, Scratch* s) {
    if (row.class_weights) {
      widen(row.class_weights + at, count, s->weight);
    } else {
      for (double& w : s->weight) w = 1;
    }
    if (!target.labels) {
      for (double& t : s->label) t = 1;
      return;
    }
    switch (row.labels_dtype) {
      case DType::kFloat16: widen(static_cast<const Half*>(target.labels) + at, count, s->label); break;
      case DType::kBFloat16: widen(static_cast<const BFloat16*>(target.labels) + at, count, s->label); break;
      default: widen(static_cast<const float*>(target.labels) + at, count, s->label);
    }
    const double share = row.label_smoothing / row.classes;
    for (double& t : s->label) t = (1 - row.label_smoothing) * t + share;
  }

  /// Elements at..at+count of the row as z, the rest of the chunk as -inf.
  CUTLOSS_INLINE void load_chunk(const T* logits, const GeneralRow& row, int64_t at, int64_t count, Scratch* s) {
    widen(logits + at, count, s->z);
    transform(row, s);
    for (int64_t i = count; i < kChunk; ++i) s->z[i] = -kInfinity;
  }

  static void add_labels(const Scratch& s, int64_t count, math::RowStatistics* out) {
    for (int64_t i = 0; i < count; ++i) {
      const double share = s.weight[i] * s.label[i];
      out->labels += share;
      out->labelled_z += share == 0 ? 0 : share * s.z[i];
    }
  }

  static void add_softmax(const Scratch& s, math::RowStatistics* out) {
    double most = out->max;
    for (double z : s.z) most = z > most ? z : most;
    if (most == -kInfinity) {
      for (double z : s.z) out->sum += z != z ? z : 0;
      return;
    }
    if (most > out->max) {
      const double gap = out->max - most, shrink = std::exp(gap);
      out->weighted_max_gap = shrink > 0 ? (out->weighted_max_gap + gap * out->sum) * shrink : 0;
      out->sum *= shrink;
      out->max = most;
    }
    D sum = {}, gaps = {};
    for (int64_t i = 0; i < kChunk; i += V::kDoubles) {
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
      if (row.wants_labels) {
        load_labels(row, target, at, count, &s);
        add_labels(s, count, &out);
      }
      if (target.id >= at && target.id < at + count) s.z[target.id - at] = -kInfinity;
      add_softmax(s, &out);
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
      for (int64_t i = 0; i < kChunk; i += V::kDoubles) {
        D dz = outcome.softmax * exp_double<V>(V::template load_as<D>(s.z + i) - outcome.lse);
        if (row.wants_labels) {
          dz -= outcome.labels * V::template load_as<D>(s.weight + i) * V::template load_as<D>(s.label + i);
        }
        V::narrow(result + i, dz * V::template load_as<D>(s.slope + i));
      }
      if (target.id >= at && target.id < at + count) {
        result[target.id - at] = static_cast<float>(outcome.target * s.slope[target.id - at]);
      }
      for (int64_t i = 0; i < kChunk; i += V::kLanes) {
        if (i + V::kLanes <= count) {
          V::store(g + at + i, V::load(result + i));
        } else {
          for (int64_t j = i; j < count; ++j) math::narrow(result[j], g + at + j);
          break;
        }
      }
    }
  }
};

}  // namespace cutloss::cpu
