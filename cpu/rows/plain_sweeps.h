// Softmax of a row in float: one sweep for maximum and sum, one for the gradient. The first sweep's blocks keep the
// float sums short; they meet in double.
#pragma once

#include <algorithm>
#include <limits>

#include "cpu/rows/row_kernels.h"
#include "cpu/simd/pairs.h"
#include "math/exp.h"

namespace cutloss::cpu {

/// A row as groups of kStep elements, the first of which may begin before the row so that the gradient's are aligned.
/// A group that is not whole, or holds the target, is read as a copy: -infinity stands for what does not belong.
template <class V, class T, int kVectors>
struct GroupedRow {
  static constexpr int kUnroll = kVectors;
  static constexpr int64_t kStep = kUnroll * V::kLanes;

  const T* z;
  int64_t classes;
  int64_t target;  // < 0: none
  int64_t begin;   // of the first group, > -kStep

  bool whole(int64_t at) const { return at >= 0 && at + kStep <= classes; }
  bool holds(int64_t element, int64_t at) const { return element >= at && element < at + kStep; }

  /// visit(at, z) for the groups from `begin` to `end`.
  template <class Visit>
  CUTLOSS_INLINE void for_each_group(const GroupedRow& row, int64_t begin, int64_t end, const Visit& visit) {
    T copy[kStep];
    for (int64_t at = begin; at < end;) {
      const T* z = group(row, at, copy);
      const int64_t stop = z == copy ? at + kStep : std::min(end, row.target > at ? row.target : row.classes);
      for (; at + kStep <= stop; at += kStep, z += kStep) visit(at, z);
    }
  }

  CUTLOSS_INLINE const T* group(const GroupedRow& row, int64_t at, T* copy) {
    if (row.whole(at) && !row.holds(row.target, at)) [[likely]]
      return row.z + at;
    constexpr float kNothing = -std::numeric_limits<float>::infinity();
    for (int u = 0; u < kUnroll; ++u) V::store(copy + u * V::kLanes, V::splat(kNothing));
    const int64_t first = std::max<int64_t>(at, 0), last = std::min(at + kStep, row.classes);
    memcpy(copy + (first - at), row.z + first, (last - first) * sizeof(T));
    if (row.target >= first && row.target < last) math::narrow(kNothing, copy + (row.target - at));
    return copy;
  }

  /// Where the first group begins if the groups of `gradient` are to be aligned; null asks for nothing.
  static int64_t first_group(const void* gradient) {
    constexpr uintptr_t kAligned = kStep * sizeof(T) < 64 ? kStep * sizeof(T) : 64;
    return -static_cast<int64_t>(reinterpret_cast<uintptr_t>(gradient) % kAligned / sizeof(T));
  }
};

template <class V, class T, int kVectors>
struct GroupedSweeps {
  using F = typename V::F;
  using D = typename V::D;
  using Row = GroupedRow<V, T, kVectors>;
  static constexpr int64_t kStep = Row::kStep;
  static constexpr int64_t kBlock = 4096;
  static constexpr int64_t kAhead = 4096 / sizeof(T);  // the hardware does not fetch across a page
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr bool k16Bits = sizeof(T) == 2;
  static constexpr bool kEightRoots = math::ExpByRoots<V>::kAddsPowers;
  // Where a table takes powers of two as they come, 16 bits take no more steps without.
  static constexpr bool kTables = kVectors > 2 && math::LooksUpLanes<V> && (!k16Bits || kEightRoots);
  using ByRoots = math::ExpByRoots<V>;
  using ByRootsInSum = math::ExpByRoots<V, (kTables && kEightRoots)>;

  /// The lines of one step, to be read soon.
  template <int kLocality>
  CUTLOSS_INLINE void prefetch(const T* from) {
    for (int64_t byte = 0; byte < kStep * int64_t(sizeof(T)); byte += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(from) + byte, 0, kLocality);
    }
  }

  CUTLOSS_INLINE void load(const T* group, F (&v)[Row::kUnroll]) {
    for (int u = 0; u < Row::kUnroll; u += 2) Pairs<V, T>::load(group + u * V::kLanes, &v[u], &v[u + 1]);
  }

  template <int kCount>
  CUTLOSS_INLINE F together(const F* terms) {
    if constexpr (kCount == 1) {
      return terms[0];
    } else {
      return together<kCount / 2>(terms) + together<kCount / 2>(terms + kCount / 2);
    }
  }

  /// The sum of exponential(group) over the groups from `begin` to `end`. What an addition rounds off is added up too;
  /// that takes a sum that is larger than the term, so the sums start at one, which a term seldom exceeds.
  template <bool kKeep, int kTogether, class Exponentials>
  CUTLOSS_INLINE double sum(const Row& row, int64_t begin, int64_t end, float* kept, const Exponentials& exponentials) {
    constexpr int kSums = Row::kUnroll / kTogether;
    F sum[kSums], rest[kSums] = {};
    for (F& lanes : sum) lanes = V::splat(1.f);
    Row::for_each_group(row, begin, end, [&](int64_t at, const T* z) {
      prefetch<3>(row.z + at + kAhead);
      F e[Row::kUnroll];
      load(z, e);
      exponentials(e);
      for (int u = 0; kKeep && u < Row::kUnroll; ++u) V::store(kept + (at - begin) + u * V::kLanes, e[u]);
      for (int k = 0; k < kSums; ++k) {
        const F part = together<kTogether>(e + k * kTogether);
        const F next = sum[k] + part;
        rest[k] += part - (next - sum[k]);
        sum[k] = next;
      }
    });
    D total = {};
#pragma GCC unroll 4  // or the sums would stay in memory
    for (int k = 0; k < kSums; ++k) total += (in_double(sum[k]) - V::kLanes / V::kDoubles) + in_double(rest[k]);
    return V::horizontal_sum(total);
  }

  /// Calls visit(exponentials) with a function that puts exp(z) * factor in place of each z of a group: by tables if
  /// there are any and they pay, and where these do not reach or serve, `otherwise`.
  template <class ByRoots, class Otherwise, class Visit>
  CUTLOSS_INLINE void by_roots(int64_t classes, double factor, const Otherwise& otherwise, const Visit& visit) {
    if constexpr (kTables) {
      constexpr int64_t kEnough = 256;
      if (classes >= kEnough && ByRoots::serves(factor)) {
        const ByRoots exp(factor);
        visit([&](auto& e) {
          if (!exp.reaches(e)) [[unlikely]]
            return otherwise(e);
          for (F& term : e) term = exp(term);
        });
        return;
      }
    }
    visit(otherwise);
  }

  /// sum exp(z - reference). Exponentials by tables are so exact that one more rounding may follow; a gradient of 16
  /// bits does not see a few.
  template <bool kKeep>
  [[gnu::noinline]] static double sweep(const Row& row, int64_t begin, int64_t end, double reference, float* kept) {
    const double lost = ByRootsInSum::lost(reference);
    const math::ExpShift shift = math::ExpShift::of(float(reference), reference, lost, 1);
    const auto terms = [&](auto& e) {
      if constexpr (k16Bits && V::kFused && !kTables) return math::exp_addends<V>(e, float(reference));
      for (F& term : e) term = math::exp_shifted<V>(term, shift);
    };
    double total;
    const auto add_up = [&](const auto& exponentials) {
      constexpr bool kByTables = !std::is_same_v<decltype(exponentials), decltype(terms)&>;
      constexpr int kTogether = k16Bits ? Row::kUnroll : kByTables ? 2 : 1;
      total = sum<kKeep, kTogether>(row, begin, end, kept, exponentials);
    };
    by_roots<ByRootsInSum>(row.classes, std::exp(-reference), terms, add_up);
    return total * std::exp(lost);
  }

  CUTLOSS_INLINE D in_double(F v) {
    D low, high;
    V::widen(v, &low, &high);
    return low + high;
  }

  [[gnu::noinline]] static float largest(const Row& row, int64_t begin, int64_t end) {
    F most = V::splat(-kInfinity);
    Row::for_each_group(row, begin, end, [&](int64_t, const T* z) {
      F v[Row::kUnroll];
      load(z, v);
      for (const F& lanes : v) most = V::max(lanes, most);
    });
    return V::horizontal_max(most);
  }

  /// Any reference will do from which no exponential overflows, but terms far beyond it are rounded more: it is near
  /// the maximum of the first block that has one, and moves when a block outweighs all before. Not-a-number hides from
  /// a maximum, but not from a sum.
  template <bool kKeep>
  static void add_block(const Row& row, int64_t begin, int64_t end, math::RowStatistics* s, KeptRow* kept) {
    float* keep = kKeep ? kept->exponentials + (begin - row.begin) : nullptr;
    const auto move_reference = [&] {
      const float most = largest(row, begin, end);
      if (!std::isfinite(most)) return;
      const double reference = ByRootsInSum::reference(most);
      s->sum = s->sum == 0 ? 0 : s->sum * std::exp(s->max - reference);
      s->max = reference;
    };
    const auto reference = [&] { return s->max == -kInfinity ? 0 : s->max; };
    const auto sum_block = [&] { return sweep<kKeep>(row, begin, end, reference(), keep); };
    if (s->max == -kInfinity) move_reference();
    constexpr double kHuge = 1e30;
    const double outweighs = s->sum == 0 ? kHuge : std::clamp(2 * s->sum, 2., kHuge);
    double sum = sum_block();
    if (!(sum <= outweighs)) {
      move_reference();
      sum = sum_block();
      if (!(sum <= kHuge)) sum = std::numeric_limits<double>::quiet_NaN();  // not even relative to the largest
    }
    s->sum += sum;
    if (kKeep) kept->reference[kept->blocks++] = reference();
  }

  static math::RowStatistics statistics(const void* logits, int64_t classes, int64_t target, KeptRow* kept) {
    const Row row = {static_cast<const T*>(logits), classes, target, kept ? Row::first_group(kept->aligned_with) : 0};
    math::RowStatistics s = {-kInfinity, 0, 0, 0, 0};
    if (kept) kept->blocks = 0;
    for (int64_t at = row.begin; at < classes; at += kBlock) {
      const int64_t end = std::min(at + kBlock, classes);
      kept ? add_block<k16Bits>(row, at, end, &s, kept) : add_block<false>(row, at, end, &s, nullptr);
    }
    return s;
  }

  /// The gradient from `begin` to `end`: what value(at, v) puts into the vectors of the group at `at`, but for the
  /// target. Memory that has been written past the caches is not touched again.
  template <bool kStream, class Value>
  CUTLOSS_INLINE void write(const PlainGradient& a, const Row& row, int64_t begin, int64_t end, const Value& value) {
    T* g = static_cast<T*>(a.gradient);
    const T* next = static_cast<const T*>(a.next);
    for (int64_t at = begin; at < end; at += kStep) {
      if (next) prefetch<2>(next + at);
      F v[Row::kUnroll];
      value(at, v);
      alignas(64) T part[kStep];
      const bool whole = row.whole(at), with_target = row.holds(a.target, at);
      if (whole && !with_target) [[likely]] {
        store<kStream>(g + at, v);
        continue;
      }
      store<false>(part, v);
      if (with_target) math::narrow(float(a.target_gradient), part + (a.target - at));
      const int64_t from = std::max<int64_t>(at, 0), to = std::min(at + kStep, row.classes);
      if (kStream && whole) {
        load(part, v);
        store<true>(g + at, v);
      } else {
        memcpy(g + from, part + (from - at), (to - from) * sizeof(T));
      }
    }
  }

  template <bool kStream>
  CUTLOSS_INLINE void store(T* to, const F (&v)[Row::kUnroll]) {
    for (int u = 0; u < Row::kUnroll; u += 2) {
      T* pair = to + u * V::kLanes;
      kStream ? Pairs<V, T>::stream(pair, v[u], v[u + 1]) : Pairs<V, T>::store(pair, v[u], v[u + 1]);
    }
  }

  /// What a block's exponentials are to be multiplied with.
  static double kept_factor(int block, const PlainGradient& a) {
    return a.softmax * std::exp((a.kept->reference[block] - a.lse.anchor) - a.lse.excess);
  }

  /// Kept exponentials are of 16-bit rows and lie in the groups of one gradient. Those that underflow are no loss as
  /// long as their products would too.
  static bool kept_suffice(const PlainGradient& a, const Row& row) {
    if (!k16Bits || !a.kept || Row::first_group(a.kept->aligned_with) != row.begin) return false;
    for (int k = 0; k < a.kept->blocks; ++k) {
      const double factor = std::fabs(kept_factor(k, a));
      if (!(factor >= 0x1p-100 && factor <= 1)) return false;
    }
    return true;
  }

  template <bool kStream>
  static void write_kept(const PlainGradient& a, const Row& row) {
    int block = 0;
    for (int64_t at = row.begin; at < row.classes; at += kBlock, ++block) {
      const float factor = static_cast<float>(kept_factor(block, a));
      write<kStream>(a, row, at, std::min(at + kBlock, row.classes), [&](int64_t i, F(&v)[Row::kUnroll]) {
        const float* e = a.kept->exponentials + (i - row.begin);
        for (int u = 0; u < Row::kUnroll; ++u) v[u] = V::load(e + u * V::kLanes) * factor;
      });
    }
  }

  template <bool kStream>
  static void write_again(const PlainGradient& a, const Row& row) {
    T copy[kStep];
    const auto write_row = [&](const auto& exponentials) {
      write<kStream>(a, row, row.begin, row.classes, [&](int64_t at, F(&v)[Row::kUnroll]) {
        load(Row::group(row, at, copy), v);
        exponentials(v);
      });
    };
    const math::ExpShift shift = math::ExpShift::of(float(a.most), a.lse.anchor, a.lse.excess, a.softmax);
    const auto products = [&](auto& v) {
      for (F& e : v) e = k16Bits ? math::exp_shifted_16<V>(e, shift) : math::exp_shifted<V>(e, shift);
    };
    // A table's rounding may pass the largest float before the rest brings it back.
    if (!kTables || std::fabs(a.softmax) >= 0x1p126) return write_row(products);
    by_roots<ByRoots>(row.classes, std::exp(-a.lse.anchor - a.lse.excess) * a.softmax, products, write_row);
  }

  static void gradient(const PlainGradient& a) {
    T* g = static_cast<T*>(a.gradient);
    const Row row = {static_cast<const T*>(a.logits), a.classes, -1, Row::first_group(a.stream ? g : nullptr)};
    if (a.softmax == 0) {
      memset(g, 0, a.classes * sizeof(T));
      if (a.target >= 0) math::narrow(float(a.target_gradient), g + a.target);
    } else if (kept_suffice(a, row)) {
      a.stream ? write_kept<true>(a, row) : write_kept<false>(a, row);
    } else {
      a.stream ? write_again<true>(a, row) : write_again<false>(a, row);
    }
  }
};

/// Few classes are one group of half the width.
template <class V, class T>
struct PlainRow {
  using Wide = GroupedSweeps<V, T, 4>;
  using Narrow = GroupedSweeps<V, T, 2>;

  static math::RowStatistics statistics(const void* logits, int64_t classes, int64_t target, KeptRow* kept) {
    return classes <= Narrow::kStep ? Narrow::statistics(logits, classes, target, kept)
                                    : Wide::statistics(logits, classes, target, kept);
  }
  static void gradient(const PlainGradient& a) { a.classes <= Narrow::kStep ? Narrow::gradient(a) : Wide::gradient(a); }
};

}  // namespace cutloss::cpu
