// x wᵀ with mma.sync, fed by cp.async through two buffers, and an online log-sum-exp instead of a result matrix:
// the shape of this project's kernels for compute capability 8.0, as a test of correctness and of speed.
#include "cuda/emulated/test/gemm_lse.h"
#include "cuda/launch.h"
#include "cuda/ptx/cp_async.h"
#include "cuda/ptx/ldmatrix.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/mma.h"

namespace cutloss::cuda {
namespace {

constexpr int kTile = 64, kDepth = 32, kThreads = 128, kPadded = kDepth + 8;
constexpr float kLog2E = 1.44269504f;

struct Buffers {
  uint16_t x[2][kTile][kPadded], w[2][kTile][kPadded];
};

__device__ int copied_bytes(int row, int rows, int k, int dim) { return row < rows ? max(0, min(8, dim - k)) * 2 : 0; }

__device__ void load_tiles(Buffers& s, int buffer, const uint16_t* x, const uint16_t* w, int row0, int column0, int k0,
                           int rows, int vocab, int dim) {
  for (int piece = threadIdx.x; piece < kTile * kDepth / 8; piece += kThreads) {
    const int r = piece / (kDepth / 8), k = k0 + piece % (kDepth / 8) * 8;
    const int from_x = copied_bytes(row0 + r, rows, k, dim), from_w = copied_bytes(column0 + r, vocab, k, dim);
    ptx::cp_async_16(&s.x[buffer][r][k - k0], from_x ? x + static_cast<size_t>(row0 + r) * dim + k : x, from_x);
    ptx::cp_async_16(&s.w[buffer][r][k - k0], from_w ? w + static_cast<size_t>(column0 + r) * dim + k : w, from_w);
  }
  ptx::cp_async_commit();
}

__device__ void multiply_tiles(const Buffers& s, int buffer, float (&sum)[8][4]) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    uint32_t a[4];
    ptx::ldmatrix_x4(a, &s.x[buffer][warp * 16 + lane % 16][k + lane / 16 * 8]);
#pragma unroll
    for (int j = 0; j < 8; j += 2) {
      uint32_t b[4];
      ptx::ldmatrix_x4(b, &s.w[buffer][j * 8 + lane % 8 + lane / 16 * 8][k + lane / 8 % 2 * 8]);
      const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
      ptx::mma_m16n8k16_bf16(sum[j], a, first);
      ptx::mma_m16n8k16_bf16(sum[j + 1], a, second);
    }
  }
}

// Folds the tile's 64 columns into (maximum, sum of exponentials) of this lane's two rows.
__device__ void fold(const float (&z)[8][4], int column0, int vocab, float2 (&state)[2]) {
  const int member = threadIdx.x % 4;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float top = state[h].x;
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        if (column0 + j * 8 + member * 2 + i < vocab) top = fmaxf(top, z[j][h * 2 + i]);
    top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
    top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        if (column0 + j * 8 + member * 2 + i < vocab) sum += ptx::exp2_approx((z[j][h * 2 + i] - top) * kLog2E);
    sum += __shfl_xor_sync(~0u, sum, 1);
    sum += __shfl_xor_sync(~0u, sum, 2);
    state[h] = make_float2(top, state[h].y * ptx::exp2_approx((state[h].x - top) * kLog2E) + sum);
  }
}

__global__ void __launch_bounds__(kThreads)
    gemm_lse_kernel(const uint16_t* x, const uint16_t* w, float2* partial, int rows, int vocab, int dim) {
  Buffers& s = *ptx::shared_arena<Buffers>();
  const int row0 = blockIdx.x * kTile, split = blockIdx.y, splits = gridDim.y;
  const int tiles = (vocab + kTile - 1) / kTile, steps = (dim + kDepth - 1) / kDepth;
  float2 state[2] = {make_float2(-3e38f, 0.f), make_float2(-3e38f, 0.f)};
  for (int tile = split; tile < tiles; tile += splits) {
    const int column0 = tile * kTile;
    float sum[8][4] = {};
    load_tiles(s, 0, x, w, row0, column0, 0, rows, vocab, dim);
    for (int step = 0; step < steps; step++) {
      if (step + 1 < steps)
        load_tiles(s, (step + 1) % 2, x, w, row0, column0, (step + 1) * kDepth, rows, vocab, dim);
      else
        ptx::cp_async_commit();
      ptx::cp_async_wait<1>();
      __syncthreads();
      multiply_tiles(s, step % 2, sum);
      __syncthreads();
    }
    fold(sum, column0, vocab, state);
  }
  if (threadIdx.x % 4 == 0) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int row = row0 + threadIdx.x / 4 % 8 + threadIdx.x / 32 * 16 + h * 8;
      if (row < rows) partial[static_cast<size_t>(row) * splits + split] = state[h];
    }
  }
}

}  // namespace
}  // namespace cutloss::cuda

int main(int argc, char** argv) {
  using namespace cutloss::cuda;
  using namespace cutloss::emulated::test;
  const RunGemm run = [](const GemmShape& shape, const DeviceArray<uint16_t>& x, const DeviceArray<uint16_t>& w,
                         DeviceArray<float2>& partial) {
    check(launch(gemm_lse_kernel, dim3((shape.rows + kTile - 1) / kTile, shape.splits), kThreads, sizeof(Buffers),
                 nullptr, x.data(), w.data(), partial.data(), shape.rows, shape.vocab, shape.dim),
          "launch");
  };
  return gemm_lse_main(run, argc, argv);
}
