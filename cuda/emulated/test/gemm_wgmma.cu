// x wᵀ with wgmma, fed by TMA through a ring of mbarriers, and an online log-sum-exp instead of a result matrix: the
// shape of this project's kernels for compute capability 9.0. Warpgroup 0 fills the ring, warpgroup 1 empties it.
#include "cuda/emulated/test/gemm_lse.h"
#include "cuda/launch.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/tensor_map.h"
#include "cuda/ptx/tma.h"
#include "cuda/ptx/wgmma.h"

namespace cutloss::cuda {
namespace {

constexpr int kRows = 64, kColumns = 128, kDepth = 64, kStages = 3, kThreads = 256;
constexpr float kLog2E = 1.44269504f;

struct Stage {
  uint16_t x[kRows * kDepth], w[kColumns * kDepth];
};
struct Shared {
  Stage stages[kStages];
  ptx::Mbarrier full[kStages], empty[kStages];
};

struct Ring {
  int stage = 0;
  uint32_t parity = 0;
  __device__ void next() {
    if (++stage < kStages) return;
    stage = 0;
    parity ^= 1;
  }
};

__device__ void produce(Shared& s, const CUtensorMap* x_map, const CUtensorMap* w_map, int tiles, int steps) {
  ptx::tma_prefetch(x_map);
  ptx::tma_prefetch(w_map);
  Ring ring;
  for (int tile = blockIdx.y; tile < tiles; tile += gridDim.y)
    for (int step = 0; step < steps; step++, ring.next()) {
      Stage& stage = s.stages[ring.stage];
      ptx::mbarrier_wait(&s.empty[ring.stage], ring.parity ^ 1);
      ptx::mbarrier_arrive_expect_bytes(&s.full[ring.stage], sizeof(Stage));
      ptx::tma_load(stage.x, x_map, &s.full[ring.stage], step * kDepth, blockIdx.x * kRows);
      ptx::tma_load(stage.w, w_map, &s.full[ring.stage], step * kDepth, tile * kColumns);
    }
}

__device__ void multiply(Shared& s, Ring& ring, int steps, float (&z)[kColumns / 2]) {
  int previous = 0;
  for (int step = 0; step < steps; step++, ring.next()) {
    ptx::mbarrier_wait(&s.full[ring.stage], ring.parity);
    const uint64_t x = ptx::wgmma_k_major(s.stages[ring.stage].x), w = ptx::wgmma_k_major(s.stages[ring.stage].w);
    ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < kDepth / 16; i++)
      ptx::wgmma_bf16<kColumns, ptx::Major::kK, ptx::Major::kK>(z, x + i * 2, w + i * 2, step > 0 || i > 0);
    ptx::wgmma_commit();
    if (step > 0) {  // one group stays under way
      ptx::wgmma_wait<1>();
      ptx::mbarrier_arrive(&s.empty[previous]);
    }
    previous = ring.stage;
  }
  ptx::wgmma_wait<0>();
  ptx::wgmma_use(z);
  ptx::mbarrier_arrive(&s.empty[previous]);
}

// Folds the tile's columns into (maximum, sum of exponentials) of this lane's two rows.
__device__ void fold(const float (&z)[kColumns / 2], int column0, int vocab, float2 (&state)[2]) {
  const int member = threadIdx.x % 4;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float top = state[h].x;
#pragma unroll
    for (int j = 0; j < kColumns / 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        if (column0 + j * 8 + member * 2 + i < vocab) top = fmaxf(top, z[j * 4 + h * 2 + i]);
    top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
    top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
    float sum = 0;
#pragma unroll
    for (int j = 0; j < kColumns / 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        if (column0 + j * 8 + member * 2 + i < vocab) sum += ptx::exp2_approx((z[j * 4 + h * 2 + i] - top) * kLog2E);
    sum += __shfl_xor_sync(~0u, sum, 1);
    sum += __shfl_xor_sync(~0u, sum, 2);
    state[h] = make_float2(top, state[h].y * ptx::exp2_approx((state[h].x - top) * kLog2E) + sum);
  }
}

__global__ void __launch_bounds__(kThreads, 1)
    gemm_lse_kernel(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap w_map,
                    float2* partial, int rows, int vocab, int dim) {
  Shared& s = *ptx::shared_arena<Shared>();
  const int tiles = (vocab + kColumns - 1) / kColumns, steps = (dim + kDepth - 1) / kDepth;
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; i++) {
      ptx::mbarrier_init(&s.full[i], 1);
      ptx::mbarrier_init(&s.empty[i], 128);
    }
    ptx::mbarrier_fence_init();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    ptx::decrease_registers<40>();
    if (threadIdx.x < 32 && ptx::elect_one()) produce(s, &x_map, &w_map, tiles, steps);
  } else {
    ptx::increase_registers<232>();
    Ring ring;
    float2 state[2] = {make_float2(-3e38f, 0.f), make_float2(-3e38f, 0.f)};
    for (int tile = blockIdx.y; tile < tiles; tile += gridDim.y) {
      float z[kColumns / 2];
      multiply(s, ring, steps, z);
      fold(z, tile * kColumns, vocab, state);
    }
    if (threadIdx.x % 4 == 0) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int row = blockIdx.x * kRows + threadIdx.x / 4 % 8 + (threadIdx.x / 32 - 4) * 16 + h * 8;
        if (row < rows) partial[static_cast<size_t>(row) * gridDim.y + blockIdx.y] = state[h];
      }
    }
  }
}

CUtensorMap tile_map(const uint16_t* base, int rows, int dim, int box_rows) {
  CUtensorMap map;
  emulated::test::check(ptx::encode({.type = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                                     .base = base,
                                     .rows = static_cast<uint64_t>(rows),
                                     .columns = static_cast<uint64_t>(dim),
                                     .row_bytes = static_cast<uint64_t>(dim) * 2,
                                     .box_rows = static_cast<uint32_t>(box_rows),
                                     .box_columns = kDepth},
                                    &map),
                        "tensor map");
  return map;
}

}  // namespace
}  // namespace cutloss::cuda

int main(int argc, char** argv) {
  using namespace cutloss::cuda;
  using namespace cutloss::emulated::test;
  const RunGemm run = [](const GemmShape& shape, const DeviceArray<uint16_t>& x, const DeviceArray<uint16_t>& w,
                         DeviceArray<float2>& partial) {
    check(
        launch(gemm_lse_kernel, dim3((shape.rows + kRows - 1) / kRows, shape.splits), kThreads, sizeof(Shared), nullptr,
               tile_map(x.data(), shape.rows, shape.dim, kRows), tile_map(w.data(), shape.vocab, shape.dim, kColumns),
               partial.data(), shape.rows, shape.vocab, shape.dim),
        "launch");
  };
  return gemm_lse_main(run, argc, argv);
}
