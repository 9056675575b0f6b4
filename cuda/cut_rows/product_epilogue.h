// How the gradients are written: the products' sums, what earlier chunks gave, and the targets' elements, which are
// exact in float; rounded once, at the end. And the questions that products ask the filter's map.
#pragma once

#include "cuda/cut_rows/stored_logits.h"

namespace cutloss::cuda {

/// Whether any of a tile's rows keeps anything of the classes at `column`: one group of pieces.
__device__ __forceinline__ bool keeps_rows(const uint8_t* kept, int64_t stride, int64_t row0, int64_t column) {
  return *reinterpret_cast<const uint64_t*>(kept + kept_at(row0, column, stride)) != 0;
}

/// Whether any of a tile's classes keeps anything of kRows rows from `row`.
template <int kRows>
__device__ __forceinline__ bool keeps_classes(const uint8_t* kept, int64_t stride, int64_t row, int64_t column0) {
  bool any = false;
#pragma unroll
  for (int64_t column = column0; column < column0 + kCutRows; column += kPieceClasses) {
#pragma unroll
    for (int i = 0; i < kRows; i += kPieceRows) any |= kept[kept_at(row + i, column, stride)] != 0;
  }
  return any;
}

/// A tile of the gradient of hidden [rows, dim] or of a chunk of that of the classifier [width, dim].
template <class T, bool kOfHidden>
class ProductEpilogue {
 public:
  __device__ ProductEpilogue(const CutPass& pass, const CutChunk& chunk, int64_t outer0)
      : pass_(pass),
        chunk_(chunk),
        outer0_(outer0),
        scale_(pass.logit_formula.inverse_temperature / chunk.gradient_scale),
        even_(pass.request.dim % 2 == 0) {}

  /// A piece, the first of whose rows and columns for this lane are given.
  __device__ __forceinline__ void finish(Piece& c, int64_t row, int64_t column0) const {
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) c[j][k] *= scale_;
    }
    complete(c, row, column0);
  }

  /// A tile of which the filter kept nothing: the same without sums.
  __device__ void finish_empty(int64_t row, int64_t column0) const {
    for (int64_t column = column0; column < column0 + kWgmmaColumns; column += kPieceClasses) {
      Piece c = {};
      complete(c, row, column);
    }
  }

 private:
  static constexpr int32_t kTargetsOfSum = 256;

  __device__ int64_t outer() const { return kOfHidden ? pass_.request.rows : chunk_.width; }
  __device__ int64_t dim() const { return pass_.request.dim; }

  __device__ __forceinline__ void complete(Piece& c, int64_t row, int64_t column0) const {
    if (kOfHidden && !chunk_.first) add_earlier(c, row, column0);
    if (kOfHidden && !chunk_.last) {
      write(c, row, column0, chunk_.hidden_sums);
      return;
    }
    add_targets(c, row, column0);
    write(c, row, column0,
          kOfHidden ? pass_.request.hidden_gradient.as<T>() : pass_.request.classifier_gradient.as<T>());
  }

  __device__ __forceinline__ void add_earlier(Piece& c, int64_t row, int64_t column0) const {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      if (row + 8 * h >= outer()) continue;
      const float* from = chunk_.hidden_sums + (row + 8 * h) * dim();
#pragma unroll
      for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          if (column0 + j * 8 + e < dim()) c[j][2 * h + e] += from[column0 + j * 8 + e];
        }
      }
    }
  }

  /// Rows of hidden have one target each. Classes have any number of rows that aim at them, listed in order.
  __device__ __forceinline__ void add_targets(Piece& c, int64_t row, int64_t column0) const {
    if (kOfHidden) {
      const T* classifier = pass_.request.classifier.as<const T>();
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        if (row + 8 * h >= outer()) continue;
        const CutRow& mine = pass_.rows[row + 8 * h];
        if (mine.target >= 0)
          add_line(c, h, mine.target_slope * pass_.logit_formula.inverse_temperature, classifier + mine.target * dim(),
                   column0);
      }
      return;
    }
    const int64_t tile = (chunk_.begin + outer0_) / kCutRows;
    const int32_t end = chunk_.tile_begin[tile + 1];
    const int32_t begin = chunk_.tile_begin[tile];
    if constexpr (sizeof(T) < sizeof(float)) {
      add_rows(c, begin, end, row, column0);
      return;
    }
    for (int32_t first = begin; first < end; first += kTargetsOfSum) {
      Piece part = {};  // of one long sum, which would lose what it adds
      add_rows(part, first, end - first < kTargetsOfSum ? end : first + kTargetsOfSum, row, column0);
#pragma unroll
      for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
        for (int k = 0; k < 4; ++k) c[j][k] += part[j][k];
      }
    }
  }

  /// Those of the listed rows that aim at this lane's classes.
  __device__ __forceinline__ void add_rows(Piece& c, int32_t begin, int32_t end, int64_t row, int64_t column0) const {
    const T* hidden = pass_.request.hidden.as<const T>();
    for (int32_t i = begin; i < end; ++i) {
      const int64_t from = chunk_.same_tile[i];
      const CutRow& aims = pass_.rows[from];
      const int64_t at = aims.target - chunk_.begin - row;
      const float factor = aims.target_slope * pass_.logit_formula.inverse_temperature;
      if (at == 0) add_line(c, 0, factor, hidden + from * dim(), column0);
      if (at == 8) add_line(c, 1, factor, hidden + from * dim(), column0);
    }
  }

  __device__ __forceinline__ void add_line(Piece& c, int h, float factor, const T* line, int64_t column0) const {
    if (factor == 0) return;
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int64_t column = column0 + j * 8 + e;
        if (column < dim()) c[j][2 * h + e] = fmaf(factor, math::widen(line[column]), c[j][2 * h + e]);
      }
    }
  }

  template <class Out>
  __device__ __forceinline__ void write(const Piece& c, int64_t row, int64_t column0, Out* to) const {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      if (row + 8 * h >= outer()) continue;
      Out* line = to + (kOfHidden ? row + 8 * h : pass_.class_at(chunk_.begin + row + 8 * h)) * dim();
#pragma unroll
      for (int j = 0; j < kPieceBlocks; ++j) {
        const int64_t column = column0 + j * 8;
        const float x = c[j][2 * h], y = c[j][2 * h + 1];
        if (even_ && column < dim()) {
          store_pair(line + column, x, y);
        } else {
          if (column < dim()) math::narrow(x, line + column);
          if (column + 1 < dim()) math::narrow(y, line + column + 1);
        }
      }
    }
  }

  const CutPass& pass_;
  const CutChunk& chunk_;
  int64_t outer0_;
  float scale_;
  bool even_;
};

}  // namespace cutloss::cuda
