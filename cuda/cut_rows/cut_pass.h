// What the kernels of losses on cut logits are given, and their launchers. On one stream: the statistics of every row
// over spans of the vocabulary; the spans met and the row's formula (finish_rows); then, chunk of the vocabulary by
// chunk, dz = dloss / dlogits and its products with the classifier and with hidden. No kernel waits for another block
// or adds to memory that others add to, so results are the same bits each time.
#pragma once

#include <cuda_runtime.h>

#include <cfloat>

#include "cuda/cut_rows/tiling.h"
#include "engine/cut_rows.h"
#include "math/exp.h"
#include "math/float16.h"
#include "math/rows/softmax.h"
#include "math/rows/transform.h"

namespace cutloss::cuda {

/// Row-major.
template <class T>
struct Matrix {
  const T* data;
  int64_t rows, columns;
  int64_t stride;  // elements from one row to the next
  bool aligned;    // every row begins on 16 bytes
};

/// How products become logits.
struct LogitFormula {
  float inverse_temperature;
  float softcap, inverse_softcap;  // 0: none
  const float* bias;               // [classes], or null
  const float* class_weights;      // [classes], or null
  int classes;
};

/// What is wanted of a row beside maximum and sum.
struct CutWants {
  bool labels;  // label smoothing: sum w_j and sum w_j z_j
  bool gaps;    // entropy: sum exp(z - max) (z - max)
  bool argmax;
};

/// Over some columns of a row; see math::RowStatistics.
struct CutPartial {
  float max = -INFINITY, sum = 0;
  float gaps = 0;
  float labels = 0, labelled = 0;  // sum w_j; sum w_j (z_j - anchor)
  float best = -INFINITY;          // largest logit, target and all, before the softcap
  int best_at = INT32_MAX;

  CUTLOSS_HD float anchor() const { return max == -INFINITY ? 0.f : max; }

  /// The first of the largest; not-a-number is larger than anything.
  CUTLOSS_HD void offer(float logit, int at) {
    const bool more = logit > best || (logit != logit && best == best);
    const bool same = logit == best || (logit != logit && best != best);
    if (more || (same && at < best_at)) {
      best = logit;
      best_at = at;
    }
  }
};

/// What the gradient needs of a row.
struct CutRow {
  math::ExpShift shift;  // weight * p = exp_shifted(z)
  float labels;          // times the class weight, subtracted
  float threshold;       // the filter drops smaller |dz|
  float cut;             // smaller z give such dz, whatever their class
  float target_slope;    // dloss / d logit of the target, which is its whole element
  int32_t target;        // or less than 0
  int32_t live;          // whether the weight is not zero

  /// Behind the last row.
  CUTLOSS_HD static CutRow none() { return {{}, 0, FLT_MIN, INFINITY, 0, -1, 0}; }
};

/// Of the rows of one block.
struct CutLeft {
  double loss;
  double largest_weight;  // of |weight|
  double poisoned;        // how many have no gradient but a logit that is not finite
};

inline constexpr int kFinishThreads = 128;
inline constexpr int kMostFinishBlocks = 1024;

struct CutPass {
  CutRowsRequest request;  // its views name memory of this GPU
  math::RowFormula formula;
  LogitFormula logit_formula;
  CutWants wants;
  CutPath path;
  int workers;       // multiprocessors
  double scale;      // of the reduction
  int spans, parts;  // of the vocabulary in the pass for statistics; partial results of each row
  int finish_blocks;

  // Where classes are in an order of their own, everything but the targets' ids and what is written counts by places.
  const int32_t* order;     // the class at each place; null: 0, 1, ...
  const int32_t* place_of;  // the place of each class, likewise

  // workspace
  CutPartial* partials;   // [parts][rows]
  float* target_logits;   // [rows]
  CutRow* rows;           // [rows]
  CutLeft* left;          // [finish_blocks]
  Half* tile_maxima;      // [whole tiles by warp_columns][rows], if the gradient is to skip tiles; see tile_maximum.h
  float* logits;          // [rows][logits_stride] products, if the gradient is to find them again
  int64_t logits_stride;  // whole tiles

  CUTLOSS_HD int64_t class_at(int64_t place) const { return order ? order[place] : place; }
  /// Of a target's id, which may be none.
  CUTLOSS_HD int64_t place_at(int64_t id) const { return place_of && id >= 0 ? place_of[id] : id; }

  template <class T>
  CUTLOSS_HD Matrix<T> hidden() const {
    return matrix<T>(request.hidden, request.rows);
  }
  template <class T>
  CUTLOSS_HD Matrix<T> classifier() const {
    return matrix<T>(request.classifier, request.classes);
  }

 private:
  template <class T>
  CUTLOSS_HD Matrix<T> matrix(const View& view, int64_t rows) const {
    const bool aligned = (reinterpret_cast<uintptr_t>(view.data) | request.dim * sizeof(T)) % 16 == 0;
    return {view.as<const T>(), rows, request.dim, request.dim, aligned};
  }
};

/// The gradient's share of the vocabulary: classes begin to begin + width.
struct CutChunk {
  int64_t begin, width;
  int64_t stride;  // of dz: whole tiles, of which those behind the width are zeros
  void* dz;        // [rows][stride], of hidden's type, times gradient_scale
  uint8_t* kept;   // see kept_at()
  int64_t kept_stride;
  float gradient_scale;  // a power of two that keeps float16 in its normal range
  bool first, last;
  float* hidden_sums;   // [rows][dim]: the gradient of hidden over the chunks so far
  TileOrder order;      // of the tiles of dz
  int32_t* live;        // those worth computing, by their place in that order; null: all
  int32_t* live_count;  // how many those are
  int32_t* same_tile;   // rows by the tile of kCutRows classes that holds their target, ascending in each
  int32_t* tile_begin;  // [tiles + 1] into same_tile

  __device__ int64_t wanted_tiles() const { return live ? *live_count : order.count(); }
  __device__ TileOrder::At wanted_tile(int64_t i) const { return order.at(live ? live[i] : i); }

  template <class T>
  CUTLOSS_HD Matrix<T> gradient(int64_t rows) const {
    return {static_cast<const T*>(dz), rows, width, stride, true};
  }
};

/// Partial results, the targets' logits, and the logits if asked for.
cudaError_t launch_cut_statistics(const CutPass& pass, cudaStream_t stream);

/// What is asked for by row, `rows` and `left`.
cudaError_t launch_finish_rows(const CutPass& pass, cudaStream_t stream);

/// Fills for every chunk of so many classes its part of `live`, which has room for all tiles of `order`, and its count.
cudaError_t launch_live_tiles(const CutPass& pass, const TileOrder& order, int64_t chunk, int32_t* live,
                              int32_t* counts, cudaStream_t stream);

/// dz and what the filter keeps of it.
cudaError_t launch_cut_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);

/// dz times the classifier, and dz transposed times hidden; each with its targets' part.
cudaError_t launch_hidden_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);
cudaError_t launch_classifier_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);

/// A copy of hidden in which the rows without a gradient are zeros.
cudaError_t launch_clean_hidden(const CutPass& pass, void* to, cudaStream_t stream);

/// The sums over the rows of dz.
cudaError_t launch_bias_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);

/// Fills `same_tile` and `tile_begin`.
cudaError_t launch_rows_by_tile(const CutPass& pass, int32_t* same_tile, int32_t* tile_begin, cudaStream_t stream);

/// The bias as floats.
cudaError_t launch_widen_bias(const CutPass& pass, float* bias, cudaStream_t stream);

/// Adds up the pieces that the filter kept of a chunk, in kCountBlocks parts.
inline constexpr int kCountBlocks = 64;
cudaError_t launch_count_kept(const CutPass& pass, const CutChunk& chunk, int64_t* kept, cudaStream_t stream);

}  // namespace cutloss::cuda
