// The mma.sync kernels, for one storage type: statistics, dz, and the two gradient products. What they do with a tile
// of sums is in lane_statistics.h, gradient_piece.h and product_epilogue.h.
#pragma once

#include "cuda/cut_rows/gradient_piece.h"
#include "cuda/cut_rows/lane_statistics.h"
#include "cuda/cut_rows/mma_loop.h"
#include "cuda/cut_rows/product_epilogue.h"
#include "cuda/cut_rows/stored_logits.h"
#include "cuda/launch.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {

/// The steps of logits: along dim within a tile, then to the next tile of classes.
struct LogitSteps {
  int64_t row0, column0;  // of the first tile
  int64_t tiles;
  int blocks, depth;  // of dim
  int64_t tile = 0;
  int block = 0;

  __device__ bool valid() const { return tile < tiles; }
  __device__ bool ends_tile() const { return block == blocks - 1; }
  __device__ void next() {
    if (++block < blocks) return;
    block = 0;
    ++tile;
  }
  __device__ int64_t column() const { return column0 + tile * kMmaColumns; }
  __device__ Corners corners() const {
    const int64_t along = int64_t{block} * depth;
    return {row0, along, column(), along};
  }
};

template <class T>
using LogitLoop = MmaLoop<T, Major::kK, Major::kK>;

/// A lane's rows of its warp's two fragments.
__device__ __forceinline__ int64_t lane_row(int64_t row0, int f) { return row0 + f * 16 + threadIdx.x % 32 / 4; }

template <class T>
__global__ void __launch_bounds__(kMmaThreads, 1) mma_statistics_kernel(const CutPass pass) {
  using Loop = LogitLoop<T>;
  const int64_t rows = pass.request.rows;
  const int64_t tiles = divide_up(pass.request.classes, kMmaColumns);
  const int64_t span = blockIdx.x % pass.spans, block_row0 = blockIdx.x / pass.spans * kCutRows;
  const int64_t begin = share_begin(tiles, pass.spans, span), end = share_begin(tiles, pass.spans, span + 1);
  const int64_t row0 = block_row0 + Loop::warp_row();

  const LogitMap map(pass.logit_formula);
  const RowTargets targets(pass.request);
  const auto target = [&](int64_t row) { return row < rows ? static_cast<int>(pass.place_at(targets.id(row))) : -1; };
  const auto statistics_of = [&](int64_t row) { return WarpStatistics<T>(target(row), target(row + 8)); };
  WarpStatistics<T> statistics[2] = {statistics_of(lane_row(row0, 0)), statistics_of(lane_row(row0, 1))};

  const LogitSteps steps = {block_row0, begin * kMmaColumns, end - begin,
                            static_cast<int>(divide_up(pass.request.dim, kDepth<T>)), kDepth<T>};
  MmaAccumulator sums;
  Loop::run(pass.hidden<T>(), pass.classifier<T>(), steps, sums, [&](const LogitSteps& at) {
    const int64_t column0 = at.column() + Loop::warp_column();
#pragma unroll
    for (int f = 0; f < 2; ++f) {
      if (pass.logits) store_logits(pass, sums[f], lane_row(row0, f), column0);
      TileMaximum most;
      statistics[f].fold(sums[f], static_cast<int>(column0), map, pass, pass.target_logits + lane_row(row0, f), most);
      if (pass.tile_maxima) most.store(pass, lane_row(row0, f), column0);
    }
  });

  const int64_t part = span * 2 + Loop::warp_column() / kWarpColumns;
#pragma unroll
  for (int f = 0; f < 2; ++f) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const CutPartial partial = statistics[f].together(h);
      const int64_t row = lane_row(row0, f) + 8 * h;
      if (threadIdx.x % 4 == 0 && row < rows) pass.partials[part * rows + row] = partial;
    }
  }
}

/// One tile of dz, from products in `sums`.
template <class T>
__device__ __forceinline__ void write_gradient_tile(const CutPass& pass, const CutChunk& chunk, MmaAccumulator& sums,
                                                    int64_t row0, int64_t column0) {
  const int64_t rows = pass.request.rows;
#pragma unroll
  for (int f = 0; f < 2; ++f) {
    const int64_t row = lane_row(row0, f);
    const CutRow mine[2] = {row < rows ? pass.rows[row] : CutRow::none(),
                            row + 8 < rows ? pass.rows[row + 8] : CutRow::none()};
    const bool kept = to_gradient<T>(sums[f], static_cast<int>(chunk.begin + column0), mine,
                                     LogitMap(pass.logit_formula), chunk.gradient_scale);
    if (threadIdx.x % 32 == 0) chunk.kept[kept_at(row0 + f * 16, column0, chunk.kept_stride)] = kept;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      if (row + 8 * h >= rows) continue;
      T* to = static_cast<T*>(chunk.dz) + (row + 8 * h) * chunk.stride + column0 + LogitMap::first_column();
#pragma unroll
      for (int j = 0; j < 8; ++j) store_pair(to + j * 8, sums[f][j][2 * h], sums[f][j][2 * h + 1]);
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kMmaThreads, 1) mma_gradient_kernel(const CutPass pass, const CutChunk chunk) {
  using Loop = LogitLoop<T>;
  if (blockIdx.x >= chunk.wanted_tiles()) return;
  const TileOrder::At at = chunk.wanted_tile(blockIdx.x);
  const int64_t block_row0 = at.row_unit * kCutRows, column0 = at.tile * kMmaColumns;
  const int64_t row0 = block_row0 + Loop::warp_row(), warp_column0 = column0 + Loop::warp_column();

  const LogitSteps steps = {block_row0, chunk.begin + column0, 1,
                            static_cast<int>(divide_up(pass.request.dim, kDepth<T>)), kDepth<T>};
  MmaAccumulator sums;
  Loop::run(pass.hidden<T>(), pass.classifier<T>(), steps, sums,
            [&](const LogitSteps&) { write_gradient_tile<T>(pass, chunk, sums, row0, warp_column0); });
}

/// Blocks of 128 x 128 in a tile of dz.
CUTLOSS_HD constexpr int blocks_of_tile(CutPath path) { return row_cluster(path) * tile_columns(path) / kMmaColumns; }

/// The same from the logits that the statistics left, on either path.
template <class T>
__global__ void __launch_bounds__(kMmaThreads, 1) stored_gradient_kernel(const CutPass pass, const CutChunk chunk) {
  using Loop = LogitLoop<T>;
  const int parts = blocks_of_tile(pass.path), cluster = row_cluster(pass.path), part = blockIdx.x % parts;
  if (blockIdx.x / parts >= chunk.wanted_tiles()) return;
  const TileOrder::At at = chunk.wanted_tile(blockIdx.x / parts);
  const int64_t block_row0 = (at.row_unit * cluster + part % cluster) * kCutRows;
  if (block_row0 >= pass.request.rows) return;
  const int64_t row0 = block_row0 + Loop::warp_row();
  const int64_t column0 = at.tile * tile_columns(pass.path) + part / cluster * kMmaColumns + Loop::warp_column();
  MmaAccumulator sums;
#pragma unroll
  for (int f = 0; f < 2; ++f) load_logits(pass, sums[f], lane_row(row0, f), chunk.begin + column0);
  write_gradient_tile<T>(pass, chunk, sums, row0, column0);
}

/// The steps of a product with dz: along its inner dimension, past the blocks of which the filter kept nothing.
template <class T, bool kOfHidden>
struct ProductSteps {
  const uint8_t* kept;  // null: everything
  int64_t kept_stride;
  int64_t outer0, dim0;  // of the tile
  int64_t blocks;        // of the inner dimension
  int64_t block = 0;
  int64_t window = 0;  // where `wanted` begins
  uint32_t wanted = 0;

  __device__ void begin() {
    window = -32;
    seek();
  }
  __device__ bool valid() const { return block < blocks; }
  /// Sums of float32 results begin anew now and then: over many rows one sum would lose what it adds.
  __device__ bool ends_tile() const { return sizeof(T) == sizeof(float) && block % 8 == 7; }
  __device__ void next() {
    wanted &= wanted - 1;
    seek();
  }
  __device__ Corners corners() const {
    const int64_t along = block * kDepth<T>;
    return kOfHidden ? Corners{outer0, along, along, dim0} : Corners{along, outer0, along, dim0};
  }

 private:
  /// To the next wanted block. The whole warp looks at 32 at a time.
  __device__ void seek() {
    while (wanted == 0 && window + 32 < blocks) {
      window += 32;
      wanted = __ballot_sync(~0u, wants(window + threadIdx.x % 32));
    }
    block = wanted ? window + __ffs(static_cast<int>(wanted)) - 1 : blocks;
  }

  __device__ bool wants(int64_t at) const {
    if (at >= blocks) return false;
    if (!kept) return true;
    const int64_t along = at * kDepth<T>;
    return kOfHidden ? keeps_rows(kept, kept_stride, outer0, along)
                     : keeps_classes<kDepth<T>>(kept, kept_stride, along, outer0);
  }
};

__device__ __forceinline__ void add_to(MmaAccumulator& to, const MmaAccumulator& sums) {
#pragma unroll
  for (int f = 0; f < 2; ++f) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) to[f][j][k] += sums[f][j][k];
    }
  }
}

template <class T, bool kOfHidden>
__global__ void __launch_bounds__(kMmaThreads, 1) mma_product_kernel(const CutPass pass, const CutChunk chunk) {
  using Loop = MmaLoop<T, kOfHidden ? Major::kK : Major::kMn, Major::kMn>;
  const CutRowsRequest& r = pass.request;
  const int64_t inner = kOfHidden ? chunk.width : r.rows;
  const int64_t dim_blocks = divide_up(r.dim, kProductColumns);
  const int64_t outer0 = blockIdx.x / dim_blocks * kCutRows, dim0 = blockIdx.x % dim_blocks * kProductColumns;

  ProductSteps<T, kOfHidden> steps = {};
  steps.kept = r.filter_eps > 0 && (kOfHidden ? r.filter_hidden : r.filter_classifier) ? chunk.kept : nullptr;
  steps.kept_stride = chunk.kept_stride;
  steps.outer0 = outer0;
  steps.dim0 = dim0;
  steps.blocks = divide_up(inner, kDepth<T>);
  steps.begin();

  Matrix<T> b = kOfHidden ? pass.classifier<T>() : pass.hidden<T>();
  if (kOfHidden) {
    b.data += chunk.begin * b.stride;
    b.rows = chunk.width;
  }
  b.aligned = b.aligned && reinterpret_cast<uintptr_t>(b.data) % 16 == 0;
  MmaAccumulator sums, totals = {};
  Loop::run(chunk.gradient<T>(r.rows), b, steps, sums, [&](const auto&) { add_to(totals, sums); });
  add_to(sums, totals);

  ProductEpilogue<T, kOfHidden> epilogue(pass, chunk, outer0);
  const int64_t column0 = dim0 + Loop::warp_column() + LogitMap::first_column();
#pragma unroll
  for (int f = 0; f < 2; ++f) {
    epilogue.finish(sums[f], lane_row(outer0 + Loop::warp_row(), f), column0);
  }
}

inline int grid_of(int64_t blocks) { return static_cast<int>(blocks); }

template <class T>
cudaError_t start_mma_statistics(const CutPass& pass, cudaStream_t stream) {
  return launch(mma_statistics_kernel<T>, grid_of(divide_up(pass.request.rows, kCutRows) * pass.spans), kMmaThreads,
                LogitLoop<T>::kSharedBytes, stream, pass);
}

template <class T>
cudaError_t start_mma_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return launch(mma_gradient_kernel<T>, grid_of(chunk.order.count()), kMmaThreads, LogitLoop<T>::kSharedBytes, stream,
                pass, chunk);
}

template <class T>
cudaError_t start_stored_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return launch(stored_gradient_kernel<T>, grid_of(chunk.order.count() * blocks_of_tile(pass.path)), kMmaThreads, 0,
                stream, pass, chunk);
}

template <class T, bool kOfHidden>
cudaError_t start_mma_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  const int64_t outer = kOfHidden ? pass.request.rows : chunk.width;
  return launch(mma_product_kernel<T, kOfHidden>,
                grid_of(divide_up(outer, kCutRows) * divide_up(pass.request.dim, kProductColumns)), kMmaThreads,
                MmaLoop<T, Major::kMn, Major::kMn>::kSharedBytes, stream, pass, chunk);
}

}  // namespace cutloss::cuda
