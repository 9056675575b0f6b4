// The main loop of the mma.sync kernels: 8 warps multiply tiles of 128 x 128, fed by cp.async through three stages. The
// loop runs on from tile to tile, so that the copies for the next are under way during the last products of this one.
#pragma once

#include "cuda/cut_rows/mma_fragments.h"
#include "cuda/ptx/memory.h"

namespace cutloss::cuda {

inline constexpr int kMmaThreads = 256;
inline constexpr int kMmaStages = 3;
inline constexpr int kWarpRows = 32, kWarpColumns = 64;  // of a tile: 4 warps down, 2 across

/// A warp's share of a tile: two blocks of 16 rows, each of eight mma results.
using MmaAccumulator = float[2][8][4];

/// Where the tiles of a step lie in the matrices of a and b: rows and columns as they are in memory.
struct Corners {
  int64_t a_row, a_column, b_row, b_column;
};

template <class T, Major kA, Major kB>
class MmaLoop {
 public:
  struct Stage {
    SharedTile<T, kA> a;
    SharedTile<T, kB> b;
  };
  static constexpr size_t kSharedBytes = kMmaStages * sizeof(Stage);

  __device__ static int warp_row() { return threadIdx.x / 32 / 2 * kWarpRows; }
  __device__ static int warp_column() { return threadIdx.x / 32 % 2 * kWarpColumns; }

  /// `steps` yields corners until there are no more: valid(), corners(), next(), and ends_tile(), after which
  /// finish(step) is called with the sums of a tile, which then begin anew.
  template <class Steps, class Finish>
  __device__ static void run(const Matrix<T>& a, const Matrix<T>& b, Steps steps, MmaAccumulator& sums,
                             const Finish& finish) {
    Stage* stages = ptx::shared_arena<Stage>();
    Steps ahead = steps;
    const auto load = [&](int stage) {
      if (ahead.valid()) {
        const Corners at = ahead.corners();
        stages[stage].a.template load<kMmaThreads>(a, at.a_row, at.a_column);
        stages[stage].b.template load<kMmaThreads>(b, at.b_row, at.b_column);
        ahead.next();
      }
      ptx::cp_async_commit();
    };

    clear(sums);
    for (int i = 0; i < kMmaStages - 1; ++i) load(i);
    for (int stage = 0; steps.valid(); steps.next()) {
      ptx::cp_async_wait<kMmaStages - 2>();
      __syncthreads();
      load((stage + kMmaStages - 1) % kMmaStages);  // which everyone has left before the barrier
      multiply(stages[stage], sums);
      if (steps.ends_tile()) {
        finish(steps);
        clear(sums);
      }
      stage = (stage + 1) % kMmaStages;
    }
  }

 private:
  __device__ static void clear(MmaAccumulator& sums) {
#pragma unroll
    for (int f = 0; f < 2; ++f) {
#pragma unroll
      for (int j = 0; j < 8; ++j) {
#pragma unroll
        for (int k = 0; k < 4; ++k) sums[f][j][k] = 0;
      }
    }
  }

  __device__ static void multiply(const Stage& stage, MmaAccumulator& sums) {
    using F = Fragments<T>;
    const int lane = threadIdx.x % 32;
    [[maybe_unused]] constexpr int kTogether =
        sizeof(T) == 4 ? 2 : kDepth<T> / F::kStep;  // all of them would spill floats' parts
#pragma unroll kTogether
    for (int depth = 0; depth < kDepth<T>; depth += F::kStep) {
      typename F::A a[2];
#pragma unroll
      for (int f = 0; f < 2; ++f) a[f] = F::load_a(stage.a, warp_row() + f * 16, depth, lane);
#pragma unroll
      for (int j = 0; j < 8; j += 2) {
        const typename F::B b = F::load_b(stage.b, warp_column() + j * 8, depth, lane);
#pragma unroll
        for (int f = 0; f < 2; ++f) F::multiply(sums[f][j], sums[f][j + 1], a[f], b);
      }
    }
  }
};

}  // namespace cutloss::cuda
