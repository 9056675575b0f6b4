// What the wgmma kernels have in common: a ring of tiles in shared memory that one thread fills by TMA and two
// warpgroups empty, and the products that they issue on the way. Compute capability 9.0a.
#pragma once

#include <type_traits>

#include "cuda/cut_rows/logit_map.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/tensor_map.h"
#include "cuda/ptx/tma.h"
#include "cuda/ptx/wgmma.h"
#include "math/float16.h"

// nvcc compiles every kernel for every GPU; those before and after Hopper lack the instructions, and get an empty body.
#if defined(CUTLOSS_EMULATED) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define CUTLOSS_WGMMA_HERE 1
#else
#define CUTLOSS_WGMMA_HERE 0
#endif

namespace cutloss::cuda {

using ptx::Major;

inline constexpr int kWgmmaDepth = 64;  // of a tile's inner dimension: 128 bytes, the span of the swizzle
inline constexpr int kWgmmaStages = 4;
inline constexpr int kWgmmaThreads = 384;  // one warpgroup that copies, two that multiply
inline constexpr int kConsumerWarps = 8;
inline constexpr int kBoxElements = 64 * kWgmmaDepth;

/// 64 rows of a warpgroup by 256 columns.
using WgmmaAccumulator = float[kWgmmaColumns / 2];
inline constexpr int kWgmmaPieces = kWgmmaColumns / kPieceClasses;  // of a warp

__device__ __forceinline__ Piece& piece_of(WgmmaAccumulator& sums, int p) {
  return reinterpret_cast<Piece(&)[kWgmmaPieces]>(sums)[p];
}

struct WgmmaStage {
  uint16_t a[kCutRows * kWgmmaDepth];
  uint16_t b[kWgmmaColumns * kWgmmaDepth];
};
inline constexpr uint32_t kStageBytes = sizeof(WgmmaStage);

/// The head of every kernel's shared memory. The stages come first: swizzled tiles begin on 1024 bytes.
struct WgmmaRing {
  WgmmaStage stages[kWgmmaStages];
  ptx::Mbarrier full[kWgmmaStages], empty[kWgmmaStages];
  ptx::Mbarrier ahead;       // the first warpgroup is some blocks ahead of the second
  int blocks[kWgmmaStages];  // beside a tile's first stage: how many blocks it has
};

/// Where in the ring a thread is. The producer's first round finds every stage empty.
struct RingPlace {
  int stage = 0;
  uint32_t parity = 0;

  __device__ void next() {
    if (++stage < kWgmmaStages) return;
    stage = 0;
    parity ^= 1;
  }
};

/// Tells the compiler that a warp agrees.
__device__ __forceinline__ int uniform(int x) { return __shfl_sync(~0u, x, 0); }
__device__ __forceinline__ int warpgroup() { return uniform(threadIdx.x / 128); }
__device__ __forceinline__ int consumer_warp() { return uniform(threadIdx.x / 32) - 4; }

template <int kCluster>
__device__ __forceinline__ void prepare_ring(WgmmaRing& ring) {
  if (threadIdx.x == 0) {
    for (int i = 0; i < kWgmmaStages; ++i) {
      ptx::mbarrier_init(&ring.full[i], 1);
      ptx::mbarrier_init(&ring.empty[i], kConsumerWarps * kCluster);
    }
    ptx::mbarrier_init(&ring.ahead, 1);
    ptx::mbarrier_fence_init();
  }
  if constexpr (kCluster > 1) {
    ptx::cluster_sync();
  } else {
    __syncthreads();
  }
}

/// Hands a stage back: one arrival per warp, at the ring of every block that the copies into this one come from.
template <int kCluster>
__device__ __forceinline__ void release(WgmmaRing& ring, int stage) {
  const int lane = threadIdx.x % 32;
  if constexpr (kCluster > 1) {
    if (lane < kCluster) ptx::mbarrier_arrive_cluster(&ring.empty[stage], lane);
  } else {
    if (lane == 0) ptx::mbarrier_arrive(&ring.empty[stage]);
  }
}

template <class T, Major kA, Major kB>
__device__ __forceinline__ void multiply_16(WgmmaAccumulator& sums, uint64_t a, uint64_t b, bool accumulate) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    ptx::wgmma_bf16<kWgmmaColumns, kA, kB>(sums, a, b, accumulate);
  } else {
    ptx::wgmma_f16<kWgmmaColumns, kA, kB>(sums, a, b, accumulate);
  }
}

/// The products of a warpgroup over `blocks` (at least one) stages. One group stays under way while the next is waited
/// for. after_block(k) is called when block k has been issued.
template <class T, Major kA, Major kB, int kCluster, class AfterBlock>
__device__ __forceinline__ void multiply_blocks(WgmmaRing& ring, RingPlace& place, int blocks, WgmmaAccumulator& sums,
                                                const AfterBlock& after_block) {
  constexpr int kStepA = kA == Major::kK ? 2 : 128, kStepB = kB == Major::kK ? 2 : 128;  // of a descriptor, per 16
  const int half = (warpgroup() - 1) * kBoxElements;  // 64 rows of a K-major box, or one of two MN-major boxes
  int previous = 0;
  for (int k = 0; k < blocks; ++k, place.next()) {
    ptx::mbarrier_wait(&ring.full[place.stage], place.parity);
    const WgmmaStage& stage = ring.stages[place.stage];
    const uint64_t a = kA == Major::kK ? ptx::wgmma_k_major(stage.a + half) : ptx::wgmma_mn_major(stage.a + half, 8192);
    const uint64_t b = kB == Major::kK ? ptx::wgmma_k_major(stage.b) : ptx::wgmma_mn_major(stage.b, 8192);
    ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < kWgmmaDepth / 16; ++i) {
      multiply_16<T, kA, kB>(sums, a + i * kStepA, b + i * kStepB, k > 0 || i > 0);
    }
    ptx::wgmma_commit();
    if (k > 0) {
      ptx::wgmma_wait<1>();
      release<kCluster>(ring, previous);
    }
    previous = place.stage;
    after_block(k);
  }
  ptx::wgmma_wait<0>();
  ptx::wgmma_use(sums);
  release<kCluster>(ring, previous);
}

/// Boxes of [rows, columns] in a row-major matrix of 16-bit numbers.
template <class T>
cudaError_t box_map(const Matrix<T>& matrix, uint32_t box_rows, CUtensorMap* map) {
  constexpr bool kHalf = std::is_same_v<T, Half>;
  return ptx::encode({.type = kHalf ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                      .base = matrix.data,
                      .rows = static_cast<uint64_t>(matrix.rows),
                      .columns = static_cast<uint64_t>(matrix.columns),
                      .row_bytes = static_cast<uint64_t>(matrix.stride) * sizeof(T),
                      .box_rows = box_rows,
                      .box_columns = kWgmmaDepth},
                     map);
}

}  // namespace cutloss::cuda
