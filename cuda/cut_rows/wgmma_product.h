// The wgmma kernel of both gradient products. Persistent: a block takes tiles of 128 x 256 in turn. The copying warp
// reads the filter's map, 32 blocks of the inner dimension at a glance, fetches those that keep anything, and leaves
// their number beside a tile's first stage; the warps that multiply never see the map. A tile without any leaves
// through a branch of its own: products under a condition would be serialised by the compiler.
#pragma once

#include "cuda/cut_rows/product_epilogue.h"
#include "cuda/cut_rows/wgmma_ring.h"
#include "cuda/launch.h"

namespace cutloss::cuda {

/// The tiles of a product: [outer, dim], summed over `inner`. Those that run at the same time share rows of dz: dz is
/// read once.
struct ProductWork {
  int64_t outer, inner;
  int64_t dim_blocks, tiles;
  const uint8_t* kept;  // null: everything

  __device__ int64_t outer0(int64_t tile) const { return tile / dim_blocks * kCutRows; }
  __device__ int64_t dim0(int64_t tile) const { return tile % dim_blocks * kWgmmaColumns; }
};

/// Of dz [rows][classes] the gradient of hidden reads rows of a tile, that of the classifier columns.
template <bool kOfHidden>
__device__ __forceinline__ void fetch_block(WgmmaStage& stage, ptx::Mbarrier* full, const CUtensorMap* dz,
                                            const CUtensorMap* other, int along, int outer0, int dim0) {
  ptx::mbarrier_arrive_expect_bytes(full, kStageBytes);
  if constexpr (kOfHidden) {
    ptx::tma_load(stage.a, dz, full, along, outer0);
  } else {
    ptx::tma_load(stage.a, dz, full, outer0, along);
    ptx::tma_load(stage.a + kBoxElements, dz, full, outer0 + 64, along);
  }
  for (int box = 0; box < kWgmmaColumns / 64; ++box) {
    ptx::tma_load(stage.b + box * kBoxElements, other, full, dim0 + box * 64, along);
  }
}

template <bool kOfHidden>
__device__ __forceinline__ void fill_product_ring(WgmmaRing& ring, const CUtensorMap* dz, const CUtensorMap* other,
                                                  const ProductWork& work, int64_t kept_stride) {
  const int lane = threadIdx.x % 32;
  const int64_t blocks = divide_up(work.inner, kWgmmaDepth);
  RingPlace place;
  for (int64_t tile = blockIdx.x; tile < work.tiles; tile += gridDim.x) {
    const int64_t outer0 = work.outer0(tile);
    const auto wanted = [&](int64_t window) {
      const int64_t at = window + lane, along = at * kWgmmaDepth;
      const bool mine = at < blocks &&
                        (!work.kept || (kOfHidden ? keeps_rows(work.kept, kept_stride, outer0, along)
                                                  : keeps_classes<kWgmmaDepth>(work.kept, kept_stride, along, outer0)));
      return __ballot_sync(~0u, mine);
    };
    int count = 0;
    for (int64_t window = 0; window < blocks; window += 32) count += __popc(wanted(window));
    if (lane == 0) {
      ptx::mbarrier_wait(&ring.empty[place.stage], place.parity ^ 1);
      ring.blocks[place.stage] = count;
      if (count == 0) ptx::mbarrier_arrive(&ring.full[place.stage]);
    }
    __syncwarp();
    if (count == 0) place.next();
    for (int64_t window = 0; window < blocks && count > 0; window += 32) {
      for (uint32_t left = wanted(window); left != 0; left &= left - 1, place.next()) {
        const int64_t along = (window + __ffs(static_cast<int>(left)) - 1) * kWgmmaDepth;
        if (lane == 0) {
          ptx::mbarrier_wait(&ring.empty[place.stage], place.parity ^ 1);
          fetch_block<kOfHidden>(ring.stages[place.stage], &ring.full[place.stage], dz, other, static_cast<int>(along),
                                 static_cast<int>(outer0), static_cast<int>(work.dim0(tile)));
        }
        __syncwarp();
      }
    }
  }
}

template <class T, bool kOfHidden>
__global__ void __launch_bounds__(kWgmmaThreads, 1)
    wgmma_product_kernel(const __grid_constant__ CUtensorMap dz, const __grid_constant__ CUtensorMap other,
                         const __grid_constant__ CutPass pass, const __grid_constant__ CutChunk chunk,
                         const ProductWork work) {
#if CUTLOSS_WGMMA_HERE
  WgmmaRing& ring = *ptx::shared_arena<WgmmaRing>();
  prepare_ring<1>(ring);
  if (warpgroup() == 0) {
    ptx::decrease_registers<40>();
    if (uniform(threadIdx.x / 32) == 0) fill_product_ring<kOfHidden>(ring, &dz, &other, work, chunk.kept_stride);
    return;
  }
  ptx::increase_registers<232>();
  RingPlace place;
  WgmmaAccumulator sums;
  for (int64_t tile = blockIdx.x; tile < work.tiles; tile += gridDim.x) {
    const ProductEpilogue<T, kOfHidden> epilogue(pass, chunk, work.outer0(tile));
    const int64_t row = work.outer0(tile) + consumer_warp() * 16 + threadIdx.x % 32 / 4;
    const int64_t column0 = work.dim0(tile) + LogitMap::first_column();
    ptx::mbarrier_wait(&ring.full[place.stage], place.parity);
    const int blocks = uniform(ring.blocks[place.stage]);
    __syncwarp();  // every lane has read before one may hand the stage back
    if (blocks == 0) {
      release<1>(ring, place.stage);
      place.next();
      epilogue.finish_empty(row, column0);
      continue;
    }
    multiply_blocks<T, kOfHidden ? Major::kK : Major::kMn, Major::kMn, 1>(ring, place, blocks, sums, [](int) {});
#pragma unroll
    for (int p = 0; p < kWgmmaPieces; ++p) epilogue.finish(piece_of(sums, p), row, column0 + p * kPieceClasses);
  }
#endif
}

template <class T, bool kOfHidden>
cudaError_t start_wgmma_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  const CutRowsRequest& r = pass.request;
  ProductWork work = {};
  work.outer = kOfHidden ? r.rows : chunk.width;
  work.inner = kOfHidden ? chunk.width : r.rows;
  work.dim_blocks = divide_up(r.dim, kWgmmaColumns);
  work.tiles = divide_up(work.outer, kCutRows) * work.dim_blocks;
  work.kept = r.filter_eps > 0 && (kOfHidden ? r.filter_hidden : r.filter_classifier) ? chunk.kept : nullptr;

  Matrix<T> other = kOfHidden ? pass.classifier<T>() : pass.hidden<T>();
  if (kOfHidden) {
    other.data += chunk.begin * other.stride;
    other.rows = chunk.width;
  }
  CUtensorMap dz_map, other_map;
  cudaError_t error = box_map(chunk.gradient<T>(r.rows), kOfHidden ? kCutRows : 64, &dz_map);
  if (error == cudaSuccess) error = box_map(other, 64, &other_map);
  if (error != cudaSuccess) return error;
  return launch(wgmma_product_kernel<T, kOfHidden>, static_cast<int>(std::min<int64_t>(work.tiles, pass.workers)),
                kWgmmaThreads, sizeof(WgmmaRing), stream, dz_map, other_map, pass, chunk, work);
}

}  // namespace cutloss::cuda
