// Which tiles of dz the filter may keep anything of, by the maxima that the statistics left: one block per chunk of the
// vocabulary lists its own, in the order in which they are computed, so no block waits for another. What a tile's
// largest logit rules out, the test of each element (gradient_piece.h) rules out as well.
#include "cuda/cut_rows/cut_pass.h"
#include "cuda/launch.h"
#include "cuda/ptx/memory.h"
#include "math/float16.h"

namespace cutloss::cuda {
inline namespace in_live_tiles {

constexpr int kListThreads = 1024;
constexpr int kListWarps = kListThreads / kWarp;

/// Asked by a whole warp.
__device__ bool may_keep(const CutPass& pass, int64_t row_unit, int64_t first_class) {
  const int64_t unit_rows = int64_t{kCutRows} * row_cluster(pass.path), rows = pass.request.rows;
  const int64_t row0 = row_unit * unit_rows, end = row0 + unit_rows < rows ? row0 + unit_rows : rows;
  const int64_t width = warp_columns(pass.path), most_end = first_class + tile_columns(pass.path);
  const int64_t class_end = most_end < pass.request.classes ? most_end : pass.request.classes;
  bool any = false;
  for (int64_t row = row0 + threadIdx.x % kWarp; row < end; row += kWarp) {
    const float cut = pass.rows[row].cut;
    for (int64_t column = first_class; column < class_end; column += width) {
      any |= !(math::widen(pass.tile_maxima[column / width * rows + row]) < cut);  // not-a-number is kept
    }
  }
  return __any_sync(~0u, static_cast<int>(any)) != 0;
}

__global__ void __launch_bounds__(kListThreads)
    live_tiles_kernel(const CutPass pass, TileOrder order, int64_t chunk, int32_t* live, int32_t* counts) {
  const int64_t begin = blockIdx.x * chunk, left = pass.request.classes - begin;
  int32_t* mine = live + blockIdx.x * order.count();
  order.tiles = divide_up(left < chunk ? left : chunk, int64_t{tile_columns(pass.path)});
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int* verdicts = ptx::shared_arena<int>();
  int32_t listed = 0;
  for (int64_t first = 0; first < order.count(); first += kListWarps) {
    const int64_t i = first + warp;
    bool keeps = false;
    if (i < order.count()) {
      const TileOrder::At at = order.at(i);
      keeps = may_keep(pass, at.row_unit, begin + at.tile * tile_columns(pass.path));
    }
    if (lane == 0) verdicts[warp] = keeps;
    __syncthreads();
    const unsigned all = __ballot_sync(~0u, verdicts[lane]);
    if (lane == 0 && keeps) mine[listed + __popc(all & ((1u << warp) - 1))] = static_cast<int32_t>(i);
    listed += __popc(all);
    __syncthreads();
  }
  if (threadIdx.x == 0) counts[blockIdx.x] = listed;
}

}  // namespace in_live_tiles

cudaError_t launch_live_tiles(const CutPass& pass, const TileOrder& order, int64_t chunk, int32_t* live,
                              int32_t* counts, cudaStream_t stream) {
  return launch(live_tiles_kernel, static_cast<int>(divide_up(pass.request.classes, chunk)), kListThreads,
                kListWarps * sizeof(int), stream, pass, order, chunk, live, counts);
}

}  // namespace cutloss::cuda
