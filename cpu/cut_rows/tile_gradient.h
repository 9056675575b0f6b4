// From logits to their gradient, in place: dz = factor exp(z - reference) - labels w_j, times the slope of the
// transform. On the way: the sum of each class for the bias, and which elements are large enough to be kept.
//
// Where words are pairs, two lines become the two forms that the products sum over: pairs of classes, then each line's
// pairs of rows, both in bfloat16, in the place of the two lines of floats.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/cut_rows/cut_transform.h"
#include "math/exp.h"

namespace cutloss::cpu {

template <class V, bool kPairs>
struct TileGradient {
  using F = typename V::F;
  using I = typename V::I;
  using U = typename V::U;
  static constexpr int kLanes = V::kLanes;

  static void differentiate(const GradientTile& tile) {
    int64_t t = 0;
    for (int64_t i = 0; i < tile.lines; i += kPairs ? 2 : 1) {
      float* from = tile.logits + i * tile.stride;
      for (int64_t line = i; line < i + (kPairs ? 2 : 1); ++line) {
        float* to = kPairs ? tile.scratch + (line - i) * tile.rows : from;
        if (line == tile.lines) {
          for (int64_t row = 0; row < tile.rows; ++row) to[row] = 0;
        } else {
          one_line(tile, line, from + (line - i) * tile.stride, to, &t);
        }
      }
      if constexpr (kPairs) split_pairs(tile, from);
    }
  }

 private:
  static void one_line(const GradientTile& tile, int64_t line, const float* logits, float* to, int64_t* next_target) {
    alignas(64) float z[kStretch], slope[kStretch];
    for (int64_t i = 0; tile.kept && i < tile.kept_words; ++i) tile.kept[line * tile.kept_words + i] = 0;
    for (int64_t at = 0; at < tile.rows; at += kStretch) {
      const int64_t count = tile.rows - at < kStretch ? tile.rows - at : kStretch;
      if (tile.transform.identity) {
        stretch<false>(tile, line, at, count, logits + at, nullptr, to + at);
      } else {
        Transform<V>::line(tile.transform, tile.first_class + line, logits + at, count, z, slope);
        stretch<true>(tile, line, at, count, z, slope, to + at);
      }
    }
    for (; *next_target < tile.target_count && tile.targets[*next_target].line == line; ++*next_target) {
      const int64_t row = tile.targets[*next_target].row;
      to[row] = 0;
      if (tile.kept) tile.kept[line * tile.kept_words + row / 64] &= ~(uint64_t{1} << row % 64);
    }
    if (tile.sums) tile.sums[line] += sum_of(to, tile.rows);
  }

  template <bool kSlope>
  CUTLOSS_INLINE void stretch(const GradientTile& tile, int64_t line, int64_t at, int64_t count, const float* z,
                              const float* slope, float* to) {
    const RowFactors& f = tile.factors;
    const float w = tile.class_weights ? tile.class_weights[tile.first_class + line] : 1;
    uint64_t* kept = tile.kept ? tile.kept + line * tile.kept_words : nullptr;
    for (int64_t i = 0; i < count; i += kLanes) {
      const F factor = V::load(f.factor + at + i);
      const F e = math::exp_term<V>(V::load(z + i), V::load(f.reference + at + i));
      F dz = factor == 0 ? F{} : factor * e;
      if (f.labels && w != 0) {
        const F label = V::load(f.labels + at + i);
        dz -= label == 0 ? F{} : label * w;
      }
      if (kept) set_bits(kept, at + i, V::bits(~(magnitude(dz) < V::load(f.threshold + at + i))));
      if constexpr (kSlope) dz = dz == 0 ? F{} : dz * V::load(slope + i);
      V::store(to + i, dz);
    }
  }

  CUTLOSS_INLINE F magnitude(F v) { return (F)((U)v & 0x7fffffffu); }

  CUTLOSS_INLINE void set_bits(uint64_t* words, int64_t at, uint32_t bits) {
    words[at / 64] |= uint64_t{bits} << at % 64;
  }

  static double sum_of(const float* line, int64_t rows) {
    double total = 0;
    for (int64_t at = 0; at < rows; at += kStretch) {
      F sum = {};
      for (int64_t i = at; i < rows && i < at + kStretch; i += kLanes) sum += V::load(line + i);
      total += V::horizontal_sum(sum);
    }
    return total;
  }

  /// Two lines of floats, in the scratch, as words of two classes and as two lines of words of two rows.
  CUTLOSS_INLINE void split_pairs(const GradientTile& tile, float* to) {
    float* of_classes = to;
    auto* of_rows = reinterpret_cast<BFloat16*>(to + tile.stride);
    const float *low = tile.scratch, *high = tile.scratch + tile.rows;
    for (int64_t i = 0; i < tile.rows; i += kLanes) {
      V::store(of_rows + i, V::load(low + i));
      V::store(of_rows + tile.stride + i, V::load(high + i));
      const U l = bits(of_rows + i), h = bits(of_rows + tile.stride + i);
      V::store(of_classes + i, (F)(l | h << 16));
    }
  }
  CUTLOSS_INLINE U bits(const BFloat16* from) {
    return __builtin_convertvector(V::template load_as<typename V::S>(from), U);
  }

  static constexpr int64_t kStretch = 256;
};

}  // namespace cutloss::cpu
