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

/// What a cluster does at a time: pairs of row blocks by a span of the vocabulary, or by one tile of dz.
struct LogitUnit {
  int row_block, span;
  int first_tile, last_tile;

  /// The spans of `tiles` are those of the order.
  __device__ static LogitUnit of(const TileOrder::At& at, int64_t tiles, int64_t spans) {
    return {static_cast<int>(at.row_unit) * kLogitCluster + static_cast<int>(ptx::cluster_rank()),
            static_cast<int>(at.tile), static_cast<int>(share_begin(tiles, spans, at.tile)),
            static_cast<int>(share_begin(tiles, spans, at.tile + 1))};
  }
};

/// The units of a launch.
template <bool kGradient>
struct LogitWork {
  int begin;  // first class
  int tiles;  // of classes
  TileOrder order;

  __device__ int count(const CutChunk& chunk) const {
    return static_cast<int>(kGradient ? chunk.wanted_tiles() : order.count());
  }
  __device__ LogitUnit unit(const CutChunk& chunk, int i) const {
    return LogitUnit::of(kGradient ? chunk.wanted_tile(i) : order.at(i), tiles, order.tiles);
  }
};

struct LogitShared {
  WgmmaRing ring;
  alignas(1024) uint16_t slabs[kConsumerWarps][2][kPieceRows * kPieceClasses];  // dz on its way out
};

template <bool kGradient>
__device__ __forceinline__ void fill_logit_ring(WgmmaRing& ring, const CUtensorMap* hidden,
                                                const CUtensorMap* classifier, const CutChunk& chunk,
                                                const LogitWork<kGradient>& work, int blocks) {
  constexpr int kShare = kWgmmaColumns / kLogitCluster;  // of the classifier tile, for all
  const uint32_t rank = ptx::cluster_rank();
  ptx::tma_prefetch(hidden);
  ptx::tma_prefetch(classifier);
  RingPlace place;
  const int units = work.count(chunk);
  for (int i = blockIdx.x / kLogitCluster; i < units; i += gridDim.x / kLogitCluster) {
    const LogitUnit unit = work.unit(chunk, i);
    const int row = unit.row_block * kCutRows;
    for (int tile = unit.first_tile; tile < unit.last_tile; ++tile) {
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
                        const __grid_constant__ CutChunk chunk, const LogitWork<kGradient> work) {
#if CUTLOSS_WGMMA_HERE
  LogitShared& shared = *ptx::shared_arena<LogitShared>();
  WgmmaRing& ring = shared.ring;
  const int blocks = static_cast<int>(divide_up(pass.request.dim, kWgmmaDepth));
  prepare_ring<kLogitCluster>(ring);
  if (warpgroup() == 0) {
    ptx::decrease_registers<40>();
    if (uniform(threadIdx.x / 32) == 0 && ptx::elect_one()) {
      fill_logit_ring(ring, &hidden, &classifier, chunk, work, blocks);
    }
  } else {
    ptx::increase_registers<232>();
    const int rows = static_cast<int>(pass.request.rows);
    const LogitMap map(pass.logit_formula);
    const RowTargets targets(pass.request);
    const int lane = threadIdx.x % 32;
    RingPlace place;
    WgmmaAccumulator sums;
    bool first = true;
    const int units = work.count(chunk);
    for (int i = blockIdx.x / kLogitCluster; i < units; i += gridDim.x / kLogitCluster) {
      const LogitUnit unit = work.unit(chunk, i);
      const int row0 = unit.row_block * kCutRows + consumer_warp() * kPieceRows, row = row0 + lane / 4;
      const auto target = [&](int i) {
        return !kGradient && i < rows ? static_cast<int>(pass.place_at(targets.id(i))) : -1;
      };
      WarpStatistics<T> statistics(target(row), target(row + 8));
      for (int tile = unit.first_tile; tile < unit.last_tile; ++tile) {
        if (first && warpgroup() == 2) ptx::mbarrier_wait(&ring.ahead, 0);
        multiply_blocks<T, Major::kK, Major::kK, kLogitCluster>(ring, place, blocks, sums, [&](int k) {
          if (first && threadIdx.x == 128 && k == min(kSkew, blocks) - 1) ptx::mbarrier_arrive(&ring.ahead);
        });
        first = false;
        const int column0 = tile * kWgmmaColumns;
        if constexpr (kGradient) {
          const CutRow mine[2] = {row < rows ? pass.rows[row] : CutRow::none(),
                                  row + 8 < rows ? pass.rows[row + 8] : CutRow::none()};
#pragma unroll
          for (int p = 0; p < kWgmmaPieces; ++p) {
            const int column = column0 + p * kPieceClasses;
            const bool kept = to_gradient<T>(piece_of(sums, p), work.begin + column, mine, map, chunk.gradient_scale);
            store_gradient<T>(shared.slabs[consumer_warp()][p % 2], &dz, piece_of(sums, p), row0, column);
            const bool in_map = row0 / kPieceRows < chunk.kept_stride;  // an odd cluster reaches past the last rows
            if (lane == 0 && in_map) chunk.kept[kept_at(row0, column, chunk.kept_stride)] = kept;
          }
        } else {
          TileMaximum most;
#pragma unroll
          for (int p = 0; p < kWgmmaPieces; ++p) {
            const int column = column0 + p * kPieceClasses;
            if (pass.logits) store_logits(pass, piece_of(sums, p), row, column);
            statistics.fold(piece_of(sums, p), column, map, pass, pass.target_logits + row, most);
          }
          if (pass.tile_maxima) most.store(pass, row, column0);
        }
      }
      if constexpr (!kGradient) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const CutPartial partial = statistics.together(h);
          if (lane % 4 == 0 && row + 8 * h < rows) pass.partials[unit.span * pass.request.rows + row + 8 * h] = partial;
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
cudaError_t start_logits(const CutPass& pass, const CutChunk& chunk, const LogitWork<kGradient>& work,
                         cudaStream_t stream) {
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
  const int clusters =
      static_cast<int>(std::min<int64_t>(work.order.count(), std::max(pass.workers / kLogitCluster, 1)));
  return launch_cluster(wgmma_logits_kernel<T, kGradient>, clusters * kLogitCluster, kWgmmaThreads, kLogitCluster,
                        sizeof(LogitShared), stream, hidden, classifier, dz, pass, chunk, work);
}

template <class T>
cudaError_t start_wgmma_statistics(const CutPass& pass, cudaStream_t stream) {
  const int tiles = static_cast<int>(divide_up(pass.request.classes, kWgmmaColumns));
  const TileOrder order = {row_units(CutPath::kWgmma, pass.request.rows), pass.spans, 1};
  return start_logits<T, false>(pass, {}, {0, tiles, order}, stream);
}

template <class T>
cudaError_t start_wgmma_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  const int begin = static_cast<int>(chunk.begin), tiles = static_cast<int>(chunk.order.tiles);
  return start_logits<T, true>(pass, chunk, {begin, tiles, chunk.order}, stream);
}

}  // namespace cutloss::cuda
