// The ways of a matrix into the cache: turned, as strips of columns, or widened as it lies; always as the words that
// the products sum over. And back, rounded once.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V, class T, bool kPairs, int64_t kGroup>
struct Panels {
  using F = typename V::F;
  using U = typename V::U;
  static constexpr int64_t kPanel = V::kTileVectors * V::kLanes;
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr WordGroups kGroups = {kPairs, kGroup};

  /// A word of a row of `dim`, zero beyond it.
  CUTLOSS_INLINE float word(const T* row, int64_t at, int64_t dim) {
    if constexpr (kPairs) {
      const auto bits = [&](int64_t i) -> uint32_t { return i < dim ? row[i].bits : 0; };
      return math::float_of(bits(2 * at) | bits(2 * at + 1) << 16);
    } else {
      return at < dim ? math::widen(row[at]) : 0;
    }
  }

  static void turn(const void* from, int64_t count, int64_t dim, float* to) {
    const T* rows = static_cast<const T*>(from);
    const int64_t words = kGroups.words_of(dim);
    constexpr int64_t kSide = 16;  // a line of the cache
    for (int64_t i = 0; i < kPanel; i += kSide) {
      for (int64_t k = 0; k < words; k += kSide) {
        for (int64_t at = k; at < words && at < k + kSide; ++at) {
          for (int64_t row = i; row < i + kSide && row < kPanel; ++row) {
            to[at * kPanel + row] = row < count ? word(rows + row * dim, at, dim) : 0;
          }
        }
      }
    }
  }

  static void strip(const Strip& s, float* to) {
    const auto row = [&](int64_t at) -> const T* {
      if (at >= s.count || (s.factor && s.factor[at] == 0)) return nullptr;
      return static_cast<const T*>(s.from) + (s.order ? s.order[at] : at) * s.stride;
    };
    if constexpr (kPairs) {
      for (int64_t i = 0; i < kGroups.filled(s.count); i += 2, to += kPanel)
        interleave(row(i), row(i + 1), s.columns, to);
    } else {
      for (int64_t i = 0; i < kGroups.filled(s.count); ++i, to += kPanel) copy(row(i), s.columns, to);
    }
  }

  static void widen(const void* from, int64_t count, int64_t dim, float* to) {
    const T* rows = static_cast<const T*>(from);
    const int64_t words = kGroups.words_of(dim);
    for (int64_t i = 0; i < count; ++i, rows += dim, to += words) {
      int64_t k = 0;
      if constexpr (!kPairs) {
        for (; k + kLanes <= dim; k += kLanes) V::store(to + k, V::load(rows + k));
      }
      for (; k < words; ++k) to[k] = word(rows, k, dim);
    }
  }

  static void narrow(const float* from, int64_t count, void* to) {
    T* out = static_cast<T*>(to);
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(out + i, V::load(from + i));
    for (; i < count; ++i) math::narrow(from[i], out + i);
  }

  static void add_scaled(float* to, const void* from, int64_t count, float factor) {
    const T* in = static_cast<const T*>(from);
    const F f = V::splat(factor);
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, V::multiply_add(V::load(in + i), f, V::load(to + i)));
    for (; i < count; ++i) to[i] += factor * math::widen(in[i]);
  }

  static float dot(const float* a, const void* b, int64_t count) {
    const T* in = static_cast<const T*>(b);
    F sum = {};
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) sum = V::multiply_add(V::load(a + i), V::load(in + i), sum);
    float rest = 0;
    for (; i < count; ++i) rest += a[i] * math::widen(in[i]);
    return float(V::horizontal_sum(sum)) + rest;
  }

 private:
  static void copy(const T* row, int64_t columns, float* to) {
    int64_t j = 0;
    if (row) {
      for (; j + kLanes <= columns; j += kLanes) V::store(to + j, V::load(row + j));
      for (; j < columns; ++j) to[j] = math::widen(row[j]);
    }
    for (; j < kPanel; ++j) to[j] = 0;
  }

  static void interleave(const T* low, const T* high, int64_t columns, float* to) {
    int64_t j = 0;
    if (low && high) {
      for (; j + kLanes <= columns; j += kLanes) V::store(to + j, (F)(bits(low + j) | bits(high + j) << 16));
    }
    for (; j < kPanel; ++j) {
      const uint32_t l = low && j < columns ? low[j].bits : 0, h = high && j < columns ? high[j].bits : 0;
      to[j] = math::float_of(l | h << 16);
    }
  }
  CUTLOSS_INLINE U bits(const T* from) { return __builtin_convertvector(V::template load_as<typename V::S>(from), U); }
};

}  // namespace cutloss::cpu
