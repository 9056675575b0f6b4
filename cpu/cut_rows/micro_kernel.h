// The register tile that every product is made of: kTileRows lines of kTileVectors vectors, kept in registers over the
// whole sum. A step takes one word of each line, spread over a vector, times one line of the panel. Lines are read
// where they lie: only the panel is packed.
#pragma once

#include "cpu/cut_rows/tile_lines.h"
#include "cpu/simd/portable.h"

namespace cutloss::cpu {

/// A word is a float.
template <class V>
struct FloatWords {
  static constexpr bool kPairs = false;
  CUTLOSS_INLINE typename V::F step(const float* a, typename V::F b, typename V::F sum) {
    return V::multiply_add(V::splat(*a), b, sum);
  }
};

/// A word is two bfloat16, summed together.
template <class V>
struct PairWords {
  static constexpr bool kPairs = true;
  CUTLOSS_INLINE typename V::F step(const float* a, typename V::F b, typename V::F sum) {
    int32_t word;
    memcpy(&word, a, sizeof word);
    return V::multiply_add_pairs(word - typename V::I{}, (typename V::I)b, sum);
  }
};

template <class V, class Words>
struct MicroKernel {
  using F = typename V::F;
  static constexpr int kRows = V::kTileRows, kVectors = V::kTileVectors, kLanes = V::kLanes;
  static constexpr int kColumns = kVectors * kLanes;

  using Lines = TileLines<V, kRows>;

  CUTLOSS_INLINE void run(const Lines& lines, const Product& p) {
    F sum[kRows][kVectors] = {};
    for (int64_t i = 0; p.add && i < lines.rows; ++i) {
      for (int64_t j = 0; j < p.columns; j += 16) __builtin_prefetch(lines.to[i] + j, 1);
    }
    for (int64_t r = 0; r < p.run_count; ++r) {
      const int64_t begin = p.runs[r].begin, end = p.runs[r].end;
      const float* at[kRows];
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) at[i] = lines.from[i] + begin * p.step;
      const float* panel = p.panel + begin * kColumns;
      for (int64_t k = begin; k < end;) {
        const int64_t until = p.ahead && end - k > p.ahead->every() ? k + p.ahead->every() : end;
        if (p.ahead) p.ahead->fetch();
        for (; k < until; ++k, panel += kColumns) {
          F b[kVectors];
#pragma GCC unroll 4
          for (int j = 0; j < kVectors; ++j) b[j] = V::load(panel + j * kLanes);
#pragma GCC unroll 8
          for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kVectors; ++j) sum[i][j] = Words::step(at[i], b[j], sum[i][j]);
            at[i] += p.step;
          }
        }
      }
    }
    if (lines.rows == kRows && p.columns == kColumns) {
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) {
          float* c = lines.to[i] + j * kLanes;
          V::store(c, p.add ? V::load(c) + sum[i][j] : sum[i][j]);
        }
      }
    } else {
      write_border(sum, lines, p);
    }
  }

 private:
  static void write_border(const F (&sum)[kRows][kVectors], const Lines& lines, const Product& p) {
    float tile[kRows][kColumns];
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kVectors; ++j) V::store(tile[i] + j * kLanes, sum[i][j]);
    }
    lines.write_border(tile, p, 0);
  }
};

/// All register tiles of a product.
template <class V, class Words>
struct TileProduct {
  using Kernel = MicroKernel<V, Words>;
  static constexpr int64_t kRows = Kernel::kRows;
  static constexpr WordGroups kGroups = {Words::kPairs, 1};

  static void enter() {}
  static void leave() {}
  static void multiply(const Product& p) {
    for (int64_t i = 0; i < p.rows; i += Kernel::kRows) {
      Kernel::run(typename Kernel::Lines(p, i), p);
    }
  }
};

}  // namespace cutloss::cpu
