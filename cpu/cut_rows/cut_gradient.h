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

 private:
  struct BlockScratch;
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
  void add_targets(const GradientChunk& chunk, const BlockScratch& scratch, int64_t count, float* sums);
  KeptTiles keep_tiles(const GradientChunk& chunk, Range block, BlockScratch& scratch);
  void rows_of(const GradientChunk& chunk, Range dims, Range rows, float* memory);

  /// The row that the first of hidden_sums is for.
  int64_t first_hidden_sum(const GradientChunk& chunk) const {
    return c_.plan.keeps_logits || c_.plan.apart ? chunk.rows.first : 0;
  }
  float* chunk_line(const GradientChunk& chunk, int64_t class_id) const {
    return c_.b.logits + (class_id - chunk.classes.first) * chunk_stride(c_.plan.chunk_rows);
  }
  uint64_t* kept_classes(int64_t block, int64_t tile) const {
    const int64_t tiles = divide_up(c_.plan.chunk_rows, c_.k.tile_rows);
    return c_.b.kept + (block * tiles + tile) * CutBuffers::kKeptWords;
  }

  CutCall& c_;
};

}  // namespace cutloss::cpu
