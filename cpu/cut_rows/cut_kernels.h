// What a SIMD level gives to losses on cut logits: for each storage type, matrix products tile by tile, and what
// happens to a tile of logits while it is in the cache. Tiles of logits are turned: a line is a class, its lanes are
// rows, so that nothing in softmax needs a step across lanes.
//
// Products run on words along the summed direction: a word is one float or, where the level multiplies pairs, two
// neighbouring bfloat16. Other storage is widened to floats on the way into the cache. A level that takes several words
// in one step sums over whole groups of them.
#pragma once

#include <cstdint>

#include "math/float16.h"
#include "math/rows/transform.h"

namespace cutloss::cpu {

/// How the terms of a sum become words: one or two in a word, and words in whole groups, filled up with zeros.
struct WordGroups {
  bool pairs = false;
  int64_t size = 1;  // in words

  CUTLOSS_HD constexpr int64_t terms() const { return pairs ? 2 * size : size; }
  /// Terms and zeros.
  CUTLOSS_HD constexpr int64_t filled(int64_t count) const { return (count + terms() - 1) / terms() * terms(); }
  CUTLOSS_HD constexpr int64_t words_of(int64_t count) const { return pairs ? filled(count) / 2 : filled(count); }
};

/// Consecutive words of a sum, whole groups; the rest are known to be zero.
struct Run {
  int64_t begin, end;
};

/// A rectangle of memory.
struct Rectangle {
  const void* from;
  const int32_t* order;         // the rows that are meant, or null: 0, 1, ...
  int64_t stride, width, rows;  // stride and width in bytes

  CUTLOSS_HD int64_t lines() const { return rows * ((width + 63) / 64); }
};

/// Rectangles that will be needed soon: fetched one line of the cache at a time, every few steps of a sum. Many at once
/// would have to wait for each other, and the sum for them.
class Ahead {
 public:
  /// Both, in so many steps.
  CUTLOSS_HD Ahead(int64_t steps, const Rectangle& first, const Rectangle& second = {}) : now_(first), then_(second) {
    const int64_t lines = first.lines() + second.lines();
    every_ = lines == 0 || lines >= steps ? 1 : steps / lines;
  }

  CUTLOSS_HD int64_t every() const { return every_; }
  CUTLOSS_HD void fetch() {
    if (row_ == now_.rows) {
      if (then_.rows == 0) return;
      now_ = then_, then_.rows = row_ = 0;
    }
    __builtin_prefetch(static_cast<const char*>(now_.from) + (now_.order ? now_.order[row_] : row_) * now_.stride + at_,
                       0, 2);
    if ((at_ += 64) >= now_.width) at_ = 0, ++row_;
  }

 private:
  Rectangle now_, then_;
  int64_t every_, row_ = 0, at_ = 0;
};

/// to[places[i]][j] (+)= sum over k of a(lines[i], k) panel[k][j], with a(i, k) at a + (i / 2) pair + (i % 2) row +
/// (k / group) step + k % group.
struct Product {
  const float* a;
  int64_t row, pair, step;  // in words
  int64_t rows;
  const int32_t *lines, *places;  // or null: 0, 1, ...
  const float* panel;             // [words][panel], zero beyond its columns
  const Run* runs;
  int64_t run_count;
  float* to;  // [places][stride]
  int64_t stride;
  int64_t columns;  // <= panel
  bool add;
  Ahead* ahead;  // or null
};

/// Where a row's target stands in a block of classes.
struct TargetHere {
  int64_t line;  // class, from the block's first
  int64_t row;   // from the panel's (or chunk's) first
};

/// How products become z: z = s(product * inverse_temperature + bias).
struct CutTransform {
  math::LogitTransform cap;  // of temperature 1
  double inverse_temperature;
  const float* bias;  // [classes] or null
  bool identity;      // nothing to do
};

/// What the blocks of one span leave about each row, whose target is left out of maximum and sums.
struct RowPartials {
  float* max;        // of z; kNoMax: every z was -inf
  double* sum;       // exp(z - max)
  double* gap;       // exp(z - max) (z - max), or null
  double* labelled;  // w_j z_j, the target's included, or null
  float* best;       // the largest logit, or null
  int32_t* argmax;   // its class, or null
  float* block_max;  // of the last block: the largest z but the target's, or null

  static constexpr float kNoMax = -3.4028234663852886e38f;
};

/// A block of classes against one panel of rows.
struct LogitTile {
  float* logits;  // [lines][stride]; left as they are
  int64_t stride;
  int64_t lines;
  int64_t first_class;
  const int32_t* order;  // the class of each line, or null: first_class and those that follow
  CutTransform transform;
  const float* class_weights;  // [classes], for label smoothing, or null
  const TargetHere* targets;
  int64_t target_count;
  float* scratch;      // [lines][panel]
  Fraction16* shares;  // [lines][share_stride]: exp(z - the maximum it leaves), the targets' left out; or null
  int64_t share_stride;
};

/// How a row's logits become its gradient: dz = factor exp(z - reference) - labels w_j, times dz / dproduct.
struct RowFactors {
  const float* reference;
  const float* factor;     // 0: the row has no gradient
  const float* labels;     // or null
  const float* threshold;  // |dz| below it are left out; or null
};

/// A block of classes against a chunk of rows: logits in, or shares; in their place, the gradient in words along
/// classes, each row's words of a group together.
struct GradientTile {
  float* words;          // [groups][stride][group] once [lines][stride] logits, or shares, half as large, were read
  const float* anchors;  // shares are exp(z - anchor of the row); or null: logits
  BFloat16* row_words;   // [lines][stride] where words are pairs: the gradient again, in words along rows
  int64_t stride;
  int64_t lines;
  int64_t rows;  // a multiple of the panel
  int64_t first_class;
  CutTransform transform;
  const float* class_weights;
  RowFactors factors;
  const TargetHere* targets;  // their elements become zero
  int64_t target_count;
  double* sums;    // [lines] of each class over all rows, or null
  uint64_t* kept;  // [lines][kept_words], a bit per row not left out; or null
  int64_t kept_words;
  float* scratch;  // [3][rows]
  float* group;    // [group][stride], a group of words before it is turned; or null
};

/// Some columns of rows that become a panel.
struct Strip {
  const void* from;      // the first column of row 0
  const int32_t* order;  // the rows that are meant, or null: 0, 1, ...
  int64_t count;         // of rows
  int64_t stride;        // from row to row, in elements
  int64_t columns;
  const float* factor;  // [count]: a row where it is 0 becomes zero; or null
};

struct CutKernels {
  int64_t panel;      // rows (or dims) side by side in a panel
  int64_t tile_rows;  // lines of a register tile
  WordGroups groups;  // of a sum: pairs are two bfloat16

  void (*enter)(), (*leave)();  // around what a thread multiplies
  void (*multiply)(const Product&);
  void (*absorb)(const LogitTile&, const RowPartials&);
  void (*differentiate)(const GradientTile&);

  // panel[words][panel] of up to `panel` rows of [dim], zero beyond them: summed over dim
  void (*turn)(const void* rows, int64_t count, int64_t dim, float* to);
  // panel[words][panel] of some columns of rows: summed over rows
  void (*strip)(const Strip& strip, float* to);
  // [count][words] of rows of [dim]
  void (*widen)(const void* rows, int64_t count, int64_t dim, float* to);
  void (*narrow)(const float* from, int64_t count, void* to);
  // to += factor * from
  void (*add_scaled)(float* to, const void* from, int64_t count, float factor);
  float (*dot)(const float* a, const void* b, int64_t count);
};

struct CutRowKernels {
  CutKernels by_dtype[3];  // float32, float16, bfloat16
};

}  // namespace cutloss::cpu
