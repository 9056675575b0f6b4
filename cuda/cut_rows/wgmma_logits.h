// The wgmma kernel of logits: their statistics, or dz. Persistent: each cluster of two blocks takes pairs of row blocks
// and spans of the vocabulary; a classifier tile is fetched once for both, half by each. The second warpgroup keeps
// some blocks behind the first, so that the arithmetic of one on its tile falls into the products of the other.
#pragma once

#include "cuda/cut_rows/gradient_piece.h"
#include "cuda/cut_rows/lane_statistics.h"
#include "cuda/cut_rows/stored_logits.h"
#include "cuda/cut_rows/wgmma_ring.h"
#include "cuda/launch.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {

inline constexpr int kSkew = 2;  // blocks between the two warpgroups, fewer than there are stages

/// What a launch of the kernel works on.
struct LogitWork {
  int begin;  // first class
  int tiles;  // of classes
  int spans;
  int units;  // pairs of row blocks times spans

  __device__ int row_block(int unit) const {
    return unit / spans * kLogitCluster + static_cast<int>(ptx::cluster_rank());
  }
  __device__ int first_tile(int unit) const { return static_cast<int>(share_begin(tiles, spans, unit % spans)); }
  __device__ int last_tile(int unit) const { return static_cast<int>(share_begin(tiles, spans, unit % spans + 1)); }
};

struct LogitShared {
  WgmmaRing ring;
  alignas(1024) uint16_t slabs[kConsumerWarps][2][kPieceRows * kPieceClasses];  // dz on its way out
};

__device__ __forceinline__ void fill_logit_ring(WgmmaRing& ring, const CUtensorMap* hidden,
                                                const CUtensorMap* classifier, const LogitWork& work, int blocks) {
  constexpr int kShare = kWgmmaColumns / kLogitCluster;  // of the classifier tile, for all
  const uint32_t rank = ptx::cluster_rank();
  ptx::tma_prefetch(hidden);
  ptx::tma_prefetch(classifier);
  RingPlace place;
  for (int unit = blockIdx.x / kLogitCluster; unit < work.units; unit += gridDim.x / kLogitCluster) {
    const int row = work.row_block(unit) * kCutRows;
    for (int tile = work.first_tile(unit); tile < work.last_tile(unit); ++tile) {
      const int column = work.begin + tile * kWgmmaColumns;
      for (int k = 0; k < blocks; ++k, place.next()) {
        WgmmaStage& stage = ring.stages[place.stage];
        ptx::Mbarrier* full = &ring.full[place.stage];
        ptx::mbarrier_wait(&ring.empty[place.stage], place.parity ^ 1);
        ptx::mbarrier_arrive_expect_bytes(full, kStageBytes);
        ptx::tma_load(stage.a, hidden, full, k * kWgmmaDepth, row);
        ptx::tma_load_multicast(stage.b + rank * kShare * kWgmmaDepth, classifier, full, k * kWgmmaDepth,
                                column + static_cast<int>(rank) * kShare, (1 << kLogitCluster) - 1);
      }
    }
  }
}

/// A piece of dz goes out through one of two slabs, in the swizzle that TMA expects.
template <class T>
__device__ __forceinline__ void store_gradient(uint16_t* slab, const CUtensorMap* dz, const Piece& c, int row0,
                                               int column0) {
  const int lane = threadIdx.x % 32;
  if (lane == 0) ptx::tma_store_wait_read<1>();  // the store before the last has left the slab
  __syncwarp();
#pragma unroll
  for (int j = 0; j < kPieceBlocks; ++j) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int line = lane / 4 + 8 * h, place = j ^ line % 8;
      T* to = reinterpret_cast<T*>(slab) + line * kPieceClasses + place * 8 + LogitMap::first_column();
      store_pair(to, c[j][2 * h], c[j][2 * h + 1]);
    }
  }
  ptx::fence_proxy_async();
  __syncwarp();
  if (lane == 0) {
    ptx::tma_store(dz, slab, column0, row0);
    ptx::tma_store_commit();
  }
}

template <class T, bool kGradient>
__global__ void __launch_bounds__(kWgmmaThreads, 1)
    wgmma_logits_kernel(const __grid_constant__ CUtensorMap hidden, const __grid_constant__ CUtensorMap classifier,
                        const __grid_constant__ CUtensorMap dz, const __grid_constant__ CutPass pass,
                        const __grid_constant__ CutChunk chunk, const LogitWork work) {
#if CUTLOSS_WGMMA_HERE
  LogitShared& shared = *ptx::shared_arena<LogitShared>();
  WgmmaRing& ring = shared.ring;
  const int blocks = static_cast<int>(divide_up(pass.request.dim, kWgmmaDepth));
  prepare_ring<kLogitCluster>(ring);
  if (warpgroup() == 0) {
    ptx::decrease_registers<40>();
    if (uniform(threadIdx.x / 32) == 0 && ptx::elect_one()) fill_logit_ring(ring, &hidden, &classifier, work, blocks);
  } else {
    ptx::increase_registers<232>();
    const int rows = static_cast<int>(pass.request.rows);
    const LogitMap map(pass.logit_formula);
    const RowTargets targets(pass.request);
    const int lane = threadIdx.x % 32;
    RingPlace place;
    WgmmaAccumulator sums;
    bool first = true;
    for (int unit = blockIdx.x / kLogitCluster; unit < work.units; unit += gridDim.x / kLogitCluster) {
      const int row0 = work.row_block(unit) * kCutRows + consumer_warp() * kPieceRows, row = row0 + lane / 4;
      const auto target = [&](int i) { return !kGradient && i < rows ? static_cast<int>(targets.id(i)) : -1; };
      WarpStatistics<T> statistics(target(row), target(row + 8));
      for (int tile = work.first_tile(unit); tile < work.last_tile(unit); ++tile) {
        if (first && warpgroup() == 2) ptx::mbarrier_wait(&ring.ahead, 0);
        multiply_blocks<T, Major::kK, Major::kK, kLogitCluster>(ring, place, blocks, sums, [&](int k) {
          if (first && threadIdx.x == 128 && k == min(kSkew, blocks) - 1) ptx::mbarrier_arrive(&ring.ahead);
        });
        first = false;
        const int column0 = tile * kWgmmaColumns;
        if constexpr (kGradient) {
          const CutRow none = {{}, 0, INFINITY, 0, -1, 0};
          const CutRow mine[2] = {row < rows ? pass.rows[row] : none, row + 8 < rows ? pass.rows[row + 8] : none};
#pragma unroll
          for (int p = 0; p < kWgmmaPieces; ++p) {
            const int column = column0 + p * kPieceClasses;
            const bool kept = to_gradient<T>(piece_of(sums, p), work.begin + column, mine, map, chunk.gradient_scale);
            store_gradient<T>(shared.slabs[consumer_warp()][p % 2], &dz, piece_of(sums, p), row0, column);
            const bool in_map = row0 / kPieceRows < chunk.kept_stride;  // an odd cluster reaches past the last rows
            if (lane == 0 && in_map) chunk.kept[kept_at(row0, column, chunk.kept_stride)] = kept;
          }
        } else {
#pragma unroll
          for (int p = 0; p < kWgmmaPieces; ++p) {
            const int column = column0 + p * kPieceClasses;
            if (pass.logits) store_logits(pass, piece_of(sums, p), row, column);
            statistics.fold(piece_of(sums, p), column, map, pass.wants, pass.target_logits + row);
          }
        }
      }
      if constexpr (!kGradient) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const CutPartial partial = statistics.together(h);
          if (lane % 4 == 0 && row + 8 * h < rows)
            pass.partials[unit % work.spans * pass.request.rows + row + 8 * h] = partial;
        }
      }
    }
    if constexpr (kGradient) {
      if (lane == 0) ptx::tma_store_wait<0>();
    }
  }
  __syncwarp();
  ptx::cluster_sync();  // nobody leaves while the other may still write here
#endif
}

template <class T, bool kGradient>
cudaError_t start_logits(const CutPass& pass, const CutChunk& chunk, LogitWork work, cudaStream_t stream) {
  CUtensorMap hidden, classifier, dz;
  cudaError_t error = box_map(pass.hidden<T>(), kCutRows, &hidden);
  if (error == cudaSuccess) error = box_map(pass.classifier<T>(), kWgmmaColumns / kLogitCluster, &classifier);
  if (error == cudaSuccess && kGradient) {
    Matrix<T> whole_tiles = chunk.gradient<T>(pass.request.rows);
    whole_tiles.columns = chunk.stride;
    error = box_map(whole_tiles, kPieceRows, &dz);
  } else {
    dz = hidden;
  }
  if (error != cudaSuccess) return error;
  work.units = static_cast<int>(divide_up(divide_up(pass.request.rows, kCutRows), kLogitCluster)) * work.spans;
  const int clusters = std::min(work.units, std::max(pass.workers / kLogitCluster, 1));
  return launch_cluster(wgmma_logits_kernel<T, kGradient>, clusters * kLogitCluster, kWgmmaThreads, kLogitCluster,
                        sizeof(LogitShared), stream, hidden, classifier, dz, pass, chunk, work);
}

template <class T>
cudaError_t start_wgmma_statistics(const CutPass& pass, cudaStream_t stream) {
  const int tiles = static_cast<int>(divide_up(pass.request.classes, kWgmmaColumns));
  return start_logits<T, false>(pass, {}, {0, tiles, pass.spans, 0}, stream);
}

template <class T>
cudaError_t start_wgmma_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  const CutRowsRequest& r = pass.request;
  const int tiles = static_cast<int>(chunk.stride / kWgmmaColumns), begin = static_cast<int>(chunk.begin);
  const int64_t line_bytes = r.dim * static_cast<int64_t>(sizeof(T));
  const int spans = logit_spans(CutPath::kWgmma, r.rows, tiles, line_bytes, pass.workers);
  return start_logits<T, true>(pass, chunk, {begin, tiles, spans, 0}, stream);
}

}  // namespace cutloss::cuda
