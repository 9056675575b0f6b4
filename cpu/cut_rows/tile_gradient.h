// From logits to their gradient, in place: dz = factor exp(z - reference) - labels w_j, times the slope of the
// transform. Where the forward pass left shares, exp(z - anchor), the exponentials are there. On the way: the sum of
// each class for the bias, and which elements are large enough to be kept.
//
// Where words are pairs, two lines become the two forms that the products sum over, both in bfloat16: in their place a
// line of pairs of classes, elsewhere each line's pairs of rows. Where words come in groups, a group of lines of pairs
// is turned on its way back: each row's words of it lie together.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/cut_rows/cut_transform.h"
#include "math/exp.h"

namespace cutloss::cpu {

template <class V, bool kPairs, int64_t kGroup>
struct TileGradient {
  using F = typename V::F;
  using I = typename V::I;
  using U = typename V::U;
  static constexpr int kLanes = V::kLanes;

  static void differentiate(const GradientTile& tile) {
    constexpr WordGroups kGroups = {kPairs, kGroup};
    constexpr int64_t kInWord = kPairs ? 2 : 1;
    if (tile.anchors) scale_by_anchors(tile);
    int64_t t = 0;
    for (int64_t i = 0; i < kGroups.filled(tile.lines); i += kInWord) {
      for (int64_t line = i; line < i + kInWord; ++line) {
        float* to = kPairs ? tile.scratch + (line - i) * tile.rows : tile.words + line * tile.stride;
        if (line >= tile.lines) {
          for (int64_t row = 0; row < tile.rows; ++row) to[row] = 0;
        } else {
          one_line(tile, line, to, &t);
        }
      }
      const int64_t word = i / kInWord, in_group = word % kGroup;
      if constexpr (kGroup > 1) {
        split_pairs(tile, i, tile.group + in_group * tile.stride);
        if (in_group == kGroup - 1) put_together(tile, tile.words + (word - in_group) * tile.stride);
      } else if constexpr (kPairs) {
        split_pairs(tile, i, tile.words + word * tile.stride);
      }
    }
  }

 private:
  /// The exponentials of some rows of a line, what they are multiplied with, and dz / dproduct.
  struct OfLogits {
    const float *z, *reference, *factors, *slopes;

    [[gnu::always_inline]] F factor(int64_t i) const { return V::load(factors + i); }
    [[gnu::always_inline]] F exponential(int64_t i) const {
      return math::exp_term<V>(V::load(z + i), V::load(reference + i));
    }
    [[gnu::always_inline]] F times_slope(F dz, int64_t i) const {
      return slopes ? dz == 0 ? F{} : dz * V::load(slopes + i) : dz;
    }
  };
  struct OfShares {
    const Fraction16* shares;
    const float* factors;
    float slope;

    [[gnu::always_inline]] F factor(int64_t i) const { return V::load(factors + i); }
    [[gnu::always_inline]] F exponential(int64_t i) const { return V::load(shares + i); }
    [[gnu::always_inline]] F times_slope(F dz, int64_t) const { return dz * slope; }
  };

  static float* share_factors(const GradientTile& tile) { return tile.scratch + 2 * tile.rows; }

  static void scale_by_anchors(const GradientTile& tile) {
    const RowFactors& f = tile.factors;
    for (int64_t i = 0; i < tile.rows; i += kLanes) {
      const F factor = V::load(f.factor + i);
      const F shrink = math::exp_term<V>(V::load(tile.anchors + i), V::load(f.reference + i));
      V::store(share_factors(tile) + i, factor == 0 ? F{} : factor * shrink);
    }
  }

  static void one_line(const GradientTile& tile, int64_t line, float* to, int64_t* next_target) {
    const RowFactors& f = tile.factors;
    const auto* shares = reinterpret_cast<const Fraction16*>(tile.words) + line * tile.stride;
    const float* logits = tile.words + line * tile.stride;
    alignas(64) float z[kStretch], slope[kStretch];
    for (int64_t i = 0; tile.kept && i < tile.kept_words; ++i) tile.kept[line * tile.kept_words + i] = 0;
    for (int64_t at = 0; at < tile.rows; at += kStretch) {
      const int64_t count = tile.rows - at < kStretch ? tile.rows - at : kStretch;
      if (tile.anchors) {
        const float slope_of_all = float(tile.transform.inverse_temperature);
        stretch(tile, line, at, count, OfShares{shares + at, share_factors(tile) + at, slope_of_all}, to + at);
      } else if (tile.transform.identity) {
        stretch(tile, line, at, count, OfLogits{logits + at, f.reference + at, f.factor + at, nullptr}, to + at);
      } else {
        Transform<V>::line(tile.transform, tile.first_class + line, logits + at, count, z, slope);
        stretch(tile, line, at, count, OfLogits{z, f.reference + at, f.factor + at, slope}, to + at);
      }
    }
    for (; *next_target < tile.target_count && tile.targets[*next_target].line == line; ++*next_target) {
      const int64_t row = tile.targets[*next_target].row;
      to[row] = 0;
      if (tile.kept) tile.kept[line * tile.kept_words + row / 64] &= ~(uint64_t{1} << row % 64);
    }
    if (tile.sums) tile.sums[line] += sum_of(to, tile.rows);
  }

  template <class Elements>
  CUTLOSS_INLINE void stretch(const GradientTile& tile, int64_t line, int64_t at, int64_t count, const Elements& of,
                              float* to) {
    const RowFactors& f = tile.factors;
    const float w = tile.class_weights ? tile.class_weights[tile.first_class + line] : 1;
    uint64_t* kept = tile.kept ? tile.kept + line * tile.kept_words : nullptr;
    for (int64_t i = 0; i < count; i += kLanes) {
      const F factor = of.factor(i);
      F dz = factor == 0 ? F{} : factor * of.exponential(i);
      if (f.labels && w != 0) {
        const F label = V::load(f.labels + at + i);
        dz -= label == 0 ? F{} : label * w;
      }
      if (kept) set_bits(kept, at + i, V::bits(~(magnitude(dz) < V::load(f.threshold + at + i))));
      V::store(to + i, of.times_slope(dz, i));
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

  /// Two lines of floats, in the scratch, as a line of words of two classes and as two lines of words of two rows.
  CUTLOSS_INLINE void split_pairs(const GradientTile& tile, int64_t line, float* of_classes) {
    BFloat16* of_rows = tile.row_words + line * tile.stride;
    const float *low = tile.scratch, *high = tile.scratch + tile.rows;
    for (int64_t i = 0; i < tile.rows; i += kLanes) {
      V::store(of_rows + i, V::load(low + i));
      V::store(of_rows + tile.stride + i, V::load(high + i));
      const U l = bits(of_rows + i), h = bits(of_rows + tile.stride + i);
      V::store(of_classes + i, (F)(l | h << 16));
    }
  }
  /// The group's words, turned.
  static void put_together(const GradientTile& tile, float* to) {
    static_assert(kGroup == 1 || kGroup == kLanes);
    for (int64_t row = 0; row < tile.rows; row += 4) {
      F words[4];
      V::load_fours(tile.group + row, tile.stride, words);
      V::turn_fours(words);
      for (int k = 0; k < 4; ++k) V::store(to + (row + k) * kGroup, words[k]);
    }
  }
  CUTLOSS_INLINE U bits(const BFloat16* from) {
    return __builtin_convertvector(V::template load_as<typename V::S>(from), U);
  }

  static constexpr int64_t kStretch = 256;
};

}  // namespace cutloss::cpu
