// The operands of mma.sync, read from tiles in shared memory, and their products: 16-bit numbers as they are, floats as
// four products of tf32 parts, whose error is that of float32.
#pragma once

#include "cuda/cut_rows/shared_tile.h"
#include "cuda/ptx/ldmatrix.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/mma.h"
#include "math/float16.h"

namespace cutloss::cuda {

/// 16 rows of a by kStep of the inner dimension, and 16 columns of b (two mma's worth) by the same.
template <class T>
struct Fragments {
  static constexpr int kStep = 16;
  struct A {
    uint32_t part[4];
  };
  struct B {
    uint32_t part[4];
  };

  template <Major kMajor>
  __device__ static A load_a(const SharedTile<T, kMajor>& tile, int row0, int depth0, int lane) {
    A a;
    if constexpr (kMajor == Major::kK) {
      ptx::ldmatrix_x4(a.part, tile.piece(row0 + lane % 16, depth0 / 8 + lane / 16));
    } else {
      ptx::ldmatrix_x4_trans(a.part, tile.piece(depth0 + lane / 16 * 8 + lane % 8, row0 / 8 + lane / 8 % 2));
    }
    return a;
  }

  template <Major kMajor>
  __device__ static B load_b(const SharedTile<T, kMajor>& tile, int column0, int depth0, int lane) {
    B b;
    if constexpr (kMajor == Major::kK) {
      ptx::ldmatrix_x4(b.part, tile.piece(column0 + lane / 16 * 8 + lane % 8, depth0 / 8 + lane / 8 % 2));
    } else {
      ptx::ldmatrix_x4_trans(b.part, tile.piece(depth0 + lane / 8 % 2 * 8 + lane % 8, column0 / 8 + lane / 16));
    }
    return b;
  }

  /// Adds a times the two halves of b.
  __device__ static void multiply(float (&first)[4], float (&second)[4], const A& a, const B& b) {
    multiply_one(first, a, {b.part[0], b.part[1]}, T{});
    multiply_one(second, a, {b.part[2], b.part[3]}, T{});
  }

 private:
  __device__ static void multiply_one(float (&d)[4], const A& a, const uint32_t (&b)[2], BFloat16) {
    ptx::mma_m16n8k16_bf16(d, a.part, b);
  }
  __device__ static void multiply_one(float (&d)[4], const A& a, const uint32_t (&b)[2], Half) {
    ptx::mma_m16n8k16_f16(d, a.part, b);
  }
};

template <>
struct Fragments<float> {
  static constexpr int kStep = 8;
  struct A {
    uint32_t high[4], low[4];
  };
  struct B {
    uint32_t high[2][2], low[2][2];
  };

  template <Major kMajor>
  __device__ static A load_a(const SharedTile<float, kMajor>& tile, int row0, int depth0, int lane) {
    A a;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      split(tile.at(row0 + lane / 4 + i % 2 * 8, depth0 + lane % 4 + i / 2 * 4), &a.high[i], &a.low[i]);
    }
    return a;
  }

  template <Major kMajor>
  __device__ static B load_b(const SharedTile<float, kMajor>& tile, int column0, int depth0, int lane) {
    B b;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        split(tile.at(column0 + n * 8 + lane / 4, depth0 + lane % 4 + i * 4), &b.high[n][i], &b.low[n][i]);
      }
    }
    return b;
  }

  __device__ static void multiply(float (&first)[4], float (&second)[4], const A& a, const B& b) {
    multiply_one(first, a, b.high[0], b.low[0]);
    multiply_one(second, a, b.high[1], b.low[1]);
  }

 private:
  /// The rest of an infinity would be not-a-number.
  __device__ static void split(float x, uint32_t* high, uint32_t* low) {
    *high = ptx::to_tf32(x);
    const float rest = x - math::float_of(*high & ~0x1fffu);
    *low = ptx::to_tf32(fabsf(x) < INFINITY ? rest : 0.f);
  }

  /// The small products first, the smallest too: without it the error is three times that of a product of floats.
  __device__ static void multiply_one(float (&d)[4], const A& a, const uint32_t (&high)[2], const uint32_t (&low)[2]) {
    ptx::mma_m16n8k8_tf32(d, a.low, low);
    ptx::mma_m16n8k8_tf32(d, a.low, high);
    ptx::mma_m16n8k8_tf32(d, a.high, low);
    ptx::mma_m16n8k8_tf32(d, a.high, high);
  }
};

}  // namespace cutloss::cuda
