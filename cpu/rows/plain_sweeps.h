// Softmax of a row in float: one sweep for maximum and sum, one for the gradient. The first sweep's blocks keep the
// float sums short; they meet in double. The target is left out by sweeping the two stretches beside it.
#pragma once

#include <algorithm>
#include <limits>

#include "cpu/rows/row_kernels.h"
#include "cpu/simd/portable.h"
#include "math/exp.h"

namespace cutloss::cpu {

template <class V, class T>
struct PlainRow {
  using F = typename V::F;
  static constexpr int64_t kBlock = 4096;
  static constexpr int64_t kAhead = 4096 / sizeof(T);  // the hardware does not fetch across a page
  static constexpr int kUnroll = 4;
  static constexpr int64_t kStep = kUnroll * V::kLanes;
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  /// The lines of one step, to be read soon.
  template <int kLocality>
  CUTLOSS_INLINE void prefetch(const T* from) {
    for (int64_t byte = 0; byte < kStep * int64_t(sizeof(T)); byte += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(from) + byte, 0, kLocality);
    }
  }

  /// sum exp(z - reference). What an addition rounds off is added up too; that takes a sum that is larger than the
  /// term, so the sums start at one, which a term seldom exceeds.
  template <bool kKeep>
  static double sweep(const T* z, int64_t count, float reference, float* kept) {
    // A gradient of 16 bits does not see one more rounding.
    constexpr bool kRounded = sizeof(T) == 2 && V::kFused;
    constexpr int kTogether = sizeof(T) == 2 ? kUnroll : 1;
    constexpr int kSums = kUnroll / kTogether;
    const math::ExpShift shift = math::ExpShift::of(reference, reference, 0, 1);
    F sum[kSums], rest[kSums] = {};
    for (F& lanes : sum) lanes = V::splat(1.f);
    const auto exponential = [&](F v, int64_t i) {
      const F e = kRounded ? math::exp_term<V>(v, reference) : math::exp_shifted<V>(v, shift);
      if (kKeep) V::store(kept + i, e);
      return e;
    };
    const auto add = [&](int k, F e) {
      const F next = sum[k] + e;
      rest[k] += e - (next - sum[k]);
      sum[k] = next;
    };
    int64_t i = 0;
    for (; i + kStep <= count; i += kStep) {
      prefetch<3>(z + i + kAhead);
      F e[kUnroll];
      for (int u = 0; u < kUnroll; ++u) e[u] = exponential(V::load(z + i + u * V::kLanes), i + u * V::kLanes);
      for (int k = 0; k < kSums; ++k) {
        F part = e[k * kTogether];
        for (int u = 1; u < kTogether; ++u) part += e[k * kTogether + u];
        add(k, part);
      }
    }
    for (; i + V::kLanes <= count; i += V::kLanes) add(0, exponential(V::load(z + i), i));
    if (i < count) add(0, exponential(V::load_part(z + i, count - i, -kInfinity), i));

    double total = 0;
    for (int k = 0; k < kSums; ++k) total += V::horizontal_sum(sum[k]) - V::kLanes + V::horizontal_sum(rest[k]);
    return total;
  }

  static float largest(const T* z, int64_t count) {
    F most = V::splat(-kInfinity);
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) most = V::max(V::load(z + i), most);
    if (i < count) most = V::max(V::load_part(z + i, count - i, -kInfinity), most);
    return V::horizontal_max(most);
  }

  /// Any reference will do from which no exponential overflows: it is the maximum of the first blocks, and moves only
  /// when a sum has become huge. Not-a-number hides from a maximum, but not from a sum.
  template <bool kKeep>
  static void add_stretch(const T* row, int64_t begin, int64_t end, math::RowStatistics* s, KeptRow* kept) {
    for (int64_t at = begin; at < end; at += kBlock) {
      const T* z = row + at;
      const int64_t count = end - at < kBlock ? end - at : kBlock;
      float* keep = kKeep ? kept->exponentials + at : nullptr;
      const auto move_reference = [&] {
        const float most = largest(z, count);
        if (std::isfinite(most)) {
          s->sum = s->sum == 0 ? 0 : s->sum * std::exp(s->max - most);
          s->max = most;
        }
      };
      const auto sum_block = [&] { return sweep<kKeep>(z, count, s->max == -kInfinity ? 0 : float(s->max), keep); };
      if (s->max == -kInfinity) move_reference();
      double sum = sum_block();
      if (!(sum <= 1e30)) {
        move_reference();
        sum = sum_block();
      }
      s->sum += sum;
      if (kKeep) kept->stretches[kept->count++] = {at, count, s->max == -kInfinity ? 0 : float(s->max)};
    }
  }

  static math::RowStatistics statistics(const void* logits, int64_t classes, int64_t target, KeptRow* kept) {
    const T* z = static_cast<const T*>(logits);
    math::RowStatistics s = {-kInfinity, 0, 0, 0, 0};
    const int64_t before = target < 0 ? classes : target, after = target < 0 ? classes : target + 1;
    const auto head = [&](int64_t begin, int64_t end) { return largest(z + begin, std::min(end - begin, kBlock)); };
    const float most = std::max(head(0, before), head(after, classes));
    if (std::isfinite(most)) s.max = most;
    const auto add = [&](int64_t begin, int64_t end) {
      kept ? add_stretch<true>(z, begin, end, &s, kept) : add_stretch<false>(z, begin, end, &s, nullptr);
    };
    if (kept) kept->count = 0;
    add(0, before);
    add(after, classes);
    return s;
  }

  /// g[i] = value(i, n): a vector from element i on, of which n count.
  template <bool kStream, class Value>
  CUTLOSS_INLINE void write(T* g, int64_t count, const T* next, const Value& value) {
    const auto part = [&](int64_t i, int64_t n) {
      T whole[V::kLanes];
      V::store(whole, value(i, n));
      memcpy(g + i, whole, n * sizeof(T));
    };
    int64_t i = 0;
    if (kStream) {  // up to the first aligned vector
      constexpr uintptr_t kBytes = V::kLanes * sizeof(T);
      const int64_t head = (kBytes - reinterpret_cast<uintptr_t>(g) % kBytes) % kBytes / sizeof(T);
      i = head < count ? head : count;
      if (i > 0) part(0, i);
    }
    for (; i + kStep <= count; i += kStep) {
      if (next) prefetch<2>(next + i);
      for (int u = 0; u < kUnroll; ++u) {
        const int64_t at = i + u * V::kLanes;
        kStream ? V::stream(g + at, value(at, V::kLanes)) : V::store(g + at, value(at, V::kLanes));
      }
    }
    for (; i + V::kLanes <= count; i += V::kLanes) V::store(g + i, value(i, V::kLanes));
    if (i < count) part(i, count - i);
  }

  /// What a stretch's exponentials are to be multiplied with.
  static double kept_factor(const KeptRow::Stretch& stretch, const PlainGradient& a) {
    return a.softmax * std::exp((stretch.reference - a.lse.anchor) - a.lse.excess);
  }

  /// Exponentials that underflow are no loss as long as their products would too.
  static bool kept_suffice(const PlainGradient& a) {
    for (int k = 0; a.kept && k < a.kept->count; ++k) {
      const double factor = std::fabs(kept_factor(a.kept->stretches[k], a));
      if (!(factor >= 0x1p-100 && factor <= 1)) return false;
    }
    return a.kept;
  }

  template <bool kStream>
  static void write_kept(const PlainGradient& a, T* g, const T* next) {
    for (int k = 0; k < a.kept->count; ++k) {
      const KeptRow::Stretch& stretch = a.kept->stretches[k];
      const float* e = a.kept->exponentials + stretch.begin;
      const float factor = static_cast<float>(kept_factor(stretch, a));
      write<kStream>(g + stretch.begin, stretch.count, next ? next + stretch.begin : nullptr,
                     [&](int64_t i, int64_t) { return V::load(e + i) * factor; });
    }
  }

  template <bool kStream>
  static void write_again(const PlainGradient& a, T* g, const T* next) {
    const T* z = static_cast<const T*>(a.logits);
    const math::ExpShift shift = math::ExpShift::of(float(a.most), a.lse.anchor, a.lse.excess, a.softmax);
    write<kStream>(g, a.classes, next, [&](int64_t i, int64_t n) {
      const F v = n == V::kLanes ? V::load(z + i) : V::load_part(z + i, n, 0);
      return sizeof(T) == 2 ? math::exp_shifted_16<V>(v, shift) : math::exp_shifted<V>(v, shift);
    });
  }

  static void gradient(const PlainGradient& a) {
    T* g = static_cast<T*>(a.gradient);
    const T* next = static_cast<const T*>(a.next);
    if (a.softmax == 0) {
      memset(g, 0, a.classes * sizeof(T));
    } else if (kept_suffice(a)) {
      a.stream ? write_kept<true>(a, g, next) : write_kept<false>(a, g, next);
    } else {
      a.stream ? write_again<true>(a, g, next) : write_again<false>(a, g, next);
    }
  }
};

}  // namespace cutloss::cpu
