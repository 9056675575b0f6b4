// The gradients of a chunk whose logits are in the workspace. First, block of classes by block, logits become dz and
// the classifier's gradient grows by dzT hidden; then, strip of dims by strip, the hidden gradient by dz classifier.
// The target's own element is in neither product: it is what the sums start from, formed exactly.
#pragma once

#include "cpu/cut_rows/cut_call.h"

namespace cutloss::cpu {

/// Which chunk, and which of the two gradients it is for.
struct GradientChunk {
  Range rows, classes;
  bool hidden, classifier, bias;

  bool first_rows() const { return rows.first == 0; }
  bool first_classes() const { return classes.first == 0; }
};

class CutGradient {
 public:
  explicit CutGradient(CutCall& call) : c_(call) {}

  void compute(const GradientChunk& chunk);

  /// Whether the chunk needs only the logits that a filter may keep.
  bool may_skip(const GradientChunk& chunk) const {
    return c_.b.live && !chunk.bias && (!chunk.hidden || c_.r.filter_hidden) &&
           (!chunk.classifier || c_.r.filter_classifier);
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
  void classes_of(const GradientChunk& chunk, Range block, float* memory);
  void mark_rows(const GradientChunk& chunk, Range block, const uint64_t* kept);
  void grow_classifier(const GradientChunk& chunk, Range block, const float* dz, BlockScratch& scratch,
                       int64_t target_count);
  Sums sums_of(const GradientChunk& chunk, Range block, const BlockScratch& scratch) const;
  void add_targets(const GradientChunk& chunk, const BlockScratch& scratch, int64_t count, const Sums& sums);
  KeptTiles keep_tiles(const GradientChunk& chunk, Range block, BlockScratch& scratch);
  void rows_of(const GradientChunk& chunk, Range dims, Range rows, float* memory);

  /// The row that the first of hidden_sums is for.
  int64_t first_hidden_sum(const GradientChunk& chunk) const {
    return c_.plan.keeps_logits || c_.plan.apart ? chunk.rows.first : 0;
  }
  float* chunk_line(const GradientChunk& chunk, int64_t place) const {
    return c_.b.logits + (place - chunk.classes.first) * chunk_stride(c_.plan.chunk_rows);
  }
  uint64_t* kept_classes(int64_t block, int64_t tile) const {
    const int64_t tiles = divide_up(c_.plan.chunk_rows, c_.k.tile_rows);
    return c_.b.kept + (block * tiles + tile) * CutBuffers::kKeptWords;
  }

  CutCall& c_;
};

}  // namespace cutloss::cpu
