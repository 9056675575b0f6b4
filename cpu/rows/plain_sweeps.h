// Softmax of a row in float: one sweep for maximum and sum, one for the gradient. The first sweep's blocks keep the
// float sums short; they meet in double. The target is left out by sweeping the two stretches beside it.
#pragma once

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
  static constexpr int64_t kRun = 16;
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  /// The lines of one step, to be read soon.
  template <int kLocality>
  CUTLOSS_INLINE void prefetch(const T* from) {
    for (int64_t byte = 0; byte < kStep * int64_t(sizeof(T)); byte += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(from) + byte, 0, kLocality);
    }
  }

  struct Block {
    float max;
    double sum;  // of exp(z - reference)
  };

  template <bool kKeep>
  static Block sweep(const T* z, int64_t count, float reference, float* kept) {
    const math::ExpShift shift = math::ExpShift::of(reference, reference, 1);
    F total = {}, sum[kUnroll] = {}, most[kUnroll];
    for (F& m : most) m = V::splat(-kInfinity);
    const auto add = [&](int u, F v, int64_t i) {
      most[u] = V::max(v, most[u]);
      const F e = math::exp_shifted<V>(v, shift);
      sum[u] += e;
      if (kKeep) V::store(kept + i, e);
    };
    // A lane that holds the largest term rounds every small one the same way: no lane adds up more than kRun terms.
    const auto flush = [&] {
      total += (sum[0] + sum[1]) + (sum[2] + sum[3]);
      for (F& lane : sum) lane = F{};
    };
    int64_t i = 0;
    while (i + kStep <= count) {
      const int64_t last = count - i < kRun * kStep ? count - kStep : i + (kRun - 1) * kStep;
      for (; i <= last; i += kStep) {
        prefetch<3>(z + i + kAhead);
        for (int u = 0; u < kUnroll; ++u) add(u, V::load(z + i + u * V::kLanes), i + u * V::kLanes);
      }
      flush();
    }
    for (; i + V::kLanes <= count; i += V::kLanes) add(0, V::load(z + i), i);
    if (i < count) add(1, V::load_part(z + i, count - i, -kInfinity), i);
    flush();
    return {V::horizontal_max(V::max(V::max(most[0], most[1]), V::max(most[2], most[3]))), V::horizontal_sum(total)};
  }

  static float largest(const T* z, int64_t count) {
    F most = V::splat(-kInfinity);
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) most = V::max(V::load(z + i), most);
    if (i < count) most = V::max(V::load_part(z + i, count - i, -kInfinity), most);
    return V::horizontal_max(most);
  }

  /// Any reference will do that is no further than 64 below the block's maximum: it is the largest seen so far, so that
  /// all blocks but the first are read once. Not-a-number hides from the maximum, but not from the sum.
  template <bool kKeep>
  static void add_stretch(const T* row, int64_t begin, int64_t end, math::RowStatistics* s, KeptRow* kept) {
    for (int64_t at = begin; at < end; at += kBlock) {
      const T* z = row + at;
      const int64_t count = end - at < kBlock ? end - at : kBlock;
      float* keep = kKeep ? kept->exponentials + at : nullptr;
      float reference = s->max == -kInfinity ? largest(z, count) : float(s->max);
      if (std::isinf(reference)) reference = 0;
      Block block = sweep<kKeep>(z, count, reference, keep);
      if (std::isinf(block.max)) {
        block.sum = block.sum == 0 ? 0 : NAN;
      } else if (block.max > reference + 64) {
        reference = block.max;
        block = sweep<kKeep>(z, count, reference, keep);
      }
      if (kKeep) kept->stretches[kept->count++] = {at, count, reference};
      const double most = block.max;
      if (most > s->max) {
        s->sum *= std::exp(s->max - most);  // 0 * exp(-inf) the first time
        s->max = most;
      }
      s->sum += block.sum == 0 ? 0 : block.sum * std::exp(reference - s->max);
    }
  }

  static math::RowStatistics statistics(const void* logits, int64_t classes, int64_t target, KeptRow* kept) {
    const T* z = static_cast<const T*>(logits);
    math::RowStatistics s = {-kInfinity, 0, 0, 0, 0};
    const auto add = [&](int64_t begin, int64_t end) {
      kept ? add_stretch<true>(z, begin, end, &s, kept) : add_stretch<false>(z, begin, end, &s, nullptr);
    };
    if (kept) kept->count = 0;
    add(0, target < 0 ? classes : target);
    if (target >= 0) add(target + 1, classes);
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

  template <bool kStream>
  static void write_kept(const KeptRow& kept, T* g, double lse, double softmax, const T* next) {
    for (int k = 0; k < kept.count; ++k) {
      const KeptRow::Stretch& stretch = kept.stretches[k];
      const float* e = kept.exponentials + stretch.begin;
      const float factor = static_cast<float>(softmax * std::exp(stretch.reference - lse));
      write<kStream>(g + stretch.begin, stretch.count, next ? next + stretch.begin : nullptr,
                     [&](int64_t i, int64_t) { return V::load(e + i) * factor; });
    }
  }

  template <bool kStream>
  static void write_again(const T* z, T* g, int64_t classes, double most, double lse, double softmax, const T* next) {
    const math::ExpShift shift = math::ExpShift::of(float(most), lse, softmax);
    write<kStream>(g, classes, next, [&](int64_t i, int64_t n) {
      const F v = n == V::kLanes ? V::load(z + i) : V::load_part(z + i, n, 0);
      return sizeof(T) == 2 ? math::exp_shifted_16<V>(v, shift) : math::exp_shifted<V>(v, shift);
    });
  }

  static void gradient(const PlainGradient& a) {
    const T* z = static_cast<const T*>(a.logits);
    T* g = static_cast<T*>(a.gradient);
    const T* next = static_cast<const T*>(a.next);
    if (a.softmax == 0) {
      memset(g, 0, a.classes * sizeof(T));
    } else if (a.kept) {
      a.stream ? write_kept<true>(*a.kept, g, a.lse, a.softmax, next)
               : write_kept<false>(*a.kept, g, a.lse, a.softmax, next);
    } else {
      a.stream ? write_again<true>(z, g, a.classes, a.most, a.lse, a.softmax, next)
               : write_again<false>(z, g, a.classes, a.most, a.lse, a.softmax, next);
    }
  }
};

}  // namespace cutloss::cpu
