// Which rows aim at the classes of each tile, so that a tile of the classifier's gradient finds its targets: one block
// per tile reads every target and lists its own in the order of rows. Where its list begins it counts itself, so no
// block waits for another.
#include "cuda/cut_rows/cut_pass.h"
#include "cuda/launch.h"
#include "cuda/rows/team.h"

namespace cutloss::cuda {
inline namespace in_rows_by_tile {

constexpr int kGroupThreads = 256;
constexpr int kGroupWarps = kGroupThreads / kWarp;

__global__ void __launch_bounds__(kGroupThreads)
    rows_by_tile_kernel(const CutPass pass, int32_t* same_tile, int32_t* tile_begin) {
  const int64_t rows = pass.request.rows, tile = blockIdx.x;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const auto tile_of = [&](int64_t row) {
    const int32_t target = row < rows ? pass.rows[row].target : -1;
    return target < 0 ? int64_t{-1} : target / kCutRows;
  };

  Team block(kGroupThreads);
  int64_t before = 0;
  for (int64_t row = threadIdx.x; row < rows; row += kGroupThreads) {
    const int64_t of = tile_of(row);
    before += of >= 0 && of < tile;
  }
  before = block.reduce(before, [](int64_t a, int64_t b) { return a + b; });
  if (threadIdx.x == 0) tile_begin[tile] = static_cast<int32_t>(before);

  __syncthreads();  // the team's memory is free
  int* of_warps = ptx::shared_arena<int>();
  int64_t at = before;
  for (int64_t row0 = 0; row0 < rows; row0 += kGroupThreads) {
    const bool mine = tile_of(row0 + threadIdx.x) == tile;
    const unsigned lanes = __ballot_sync(~0u, mine);
    if (lane == 0) of_warps[warp] = __popc(lanes);
    __syncthreads();
    int64_t place = at + __popc(lanes & ((1u << lane) - 1));
    for (int w = 0; w < kGroupWarps; ++w) {
      place += w < warp ? of_warps[w] : 0;
      at += of_warps[w];
    }
    if (mine) same_tile[place] = static_cast<int32_t>(row0 + threadIdx.x);
    __syncthreads();
  }
  if (threadIdx.x == 0 && tile + 1 == gridDim.x) tile_begin[tile + 1] = static_cast<int32_t>(at);
}

}  // namespace in_rows_by_tile

cudaError_t launch_rows_by_tile(const CutPass& pass, int32_t* same_tile, int32_t* tile_begin, cudaStream_t stream) {
  return launch(rows_by_tile_kernel, static_cast<int>(divide_up(pass.request.classes, kCutRows)), kGroupThreads,
                Team::kSharedBytes, stream, pass, same_tile, tile_begin);
}

}  // namespace cutloss::cuda
