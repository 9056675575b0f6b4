// The gradients of a chunk whose logits, or shares, are there. First, block of classes by block, logits become dz and
// the classifier's gradient grows by dzT hidden; then, strip of dims by strip, the hidden gradient by dz classifier.
// What lies in the classifier's gradient itself gives way to it last, once all others have read it.
// The target's own element is in neither product: it is formed exactly, and added.
#pragma once

#include "cpu/cut_rows/cut_call.h"

namespace cutloss::cpu {

/// Which of the gradients a chunk is for.
struct GradientsOf {
  bool hidden, classifier, bias;
};

/// Rows against classes, and what is left of them.
struct GradientChunk {
  Range rows, classes;
  GradientsOf of;
  bool first_classes, last_classes;  // which the sums of hidden's gradient begin and end with
  Fraction16* shares;                // of the first class; null: logits
  bool lent;                         // which lie in the classifier's gradient, or else in the workspace

  bool first_rows() const { return rows.first == 0; }
};

class CutGradient {
 public:
  explicit CutGradient(CutCall& call) : c_(call) {}

  void compute(const GradientChunk& chunk);

  /// Whether a chunk needs only the logits that a filter may keep.
  bool may_skip(const GradientsOf& of) const {
    return c_.b.live && !of.bias && (!of.hidden || c_.r.filter_hidden) && (!of.classifier || c_.r.filter_classifier);
  }

  /// What is left of a block, and the words in its place: a line of logits after the other, or two of shares.
  float* words_at(const GradientChunk& chunk, int64_t place) const {
    const int64_t floats = (place - chunk.classes.first) * stride(chunk);
    if (chunk.shares) return reinterpret_cast<float*>(chunk.shares) + floats / 2;
    return (chunk.lent ? c_.r.classifier_gradient.as<float>() : c_.b.logits) + floats;
  }
  int64_t stride(const GradientChunk& chunk) const {
    return chunk.lent ? c_.r.dim : chunk_stride(c_.k.groups, c_.plan.chunk_rows);
  }

 private:
  struct BlockScratch;
  /// Where the classifier's gradient grows: line i of a block at line order[i], or i, from `first`.
  struct Sums {
    float* first;
    const int32_t* order;
    int64_t dim;
    float* at(int64_t line) const { return first + (order ? order[line] : line) * dim; }
  };
  /// The register tiles of a block that the filter cuts: lines in order, tile by tile.
  struct KeptTiles {
    const int32_t* order = nullptr;
    int64_t count = 0;
  };

  void pack_strips(const GradientChunk& chunk);
  template <class Do>
  void for_each_block(const GradientChunk& chunk, Do&& each);
  void differentiate(const GradientChunk& chunk, Range block, BlockScratch& scratch);
  void mark_rows(const GradientChunk& chunk, Range block, const uint64_t* kept);
  void grow_classifier(const GradientChunk& chunk, Range block, BlockScratch& scratch);
  Sums sums_of(const GradientChunk& chunk, Range block, const BlockScratch& scratch) const;
  void add_targets(const GradientChunk& chunk, const BlockScratch& scratch, const Sums& sums);
  KeptTiles keep_tiles(const GradientChunk& chunk, Range block, BlockScratch& scratch);
  void rows_of(const GradientChunk& chunk, Range dims, Range rows, float* memory);

  /// The row that the first of hidden_sums is for.
  int64_t first_hidden_sum(const GradientChunk& chunk) const {
    return c_.plan.keeps_logits || c_.plan.apart ? chunk.rows.first : 0;
  }
  uint64_t* kept_classes(int64_t block, int64_t tile) const {
    const int64_t tiles = divide_up(c_.plan.chunk_rows, c_.k.tile_rows);
    return c_.b.kept + (block * tiles + tile) * CutBuffers::kKeptWords;
  }

  CutCall& c_;
};

}  // namespace cutloss::cpu
