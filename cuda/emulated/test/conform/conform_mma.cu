// mma, ldmatrix, and conversions to the formats of tensor cores.
#include <cmath>

#include "cuda/emulated/test/conform/conform.h"
#include "cuda/ptx/ldmatrix.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/mma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

enum class Kind { kBf16, kF16, kTf32 };

// (thread, register) -> row + rows * column; cute/atom/mma_traits_sm80.hpp
__host__ __device__ constexpr int thread_a16(int index) {
  return Layout{5, {4, 8, 2, 2, 2}, {32, 1, 16, 8, 128}}(index);
}
__host__ __device__ constexpr int thread_b16(int index) { return Layout{4, {4, 8, 2, 2}, {16, 1, 8, 64}}(index); }
__host__ __device__ constexpr int thread_a8(int index) { return Layout{4, {4, 8, 2, 2}, {16, 1, 8, 64}}(index); }
__host__ __device__ constexpr int thread_b8(int index) { return Layout{3, {4, 8, 2}, {8, 1, 32}}(index); }
__host__ __device__ constexpr int thread_c(int index) { return Layout{4, {4, 8, 2, 2}, {32, 1, 16, 8}}(index); }

// a [16, depth] and b [8, depth] column-major, c [16, 8] column-major.
template <Kind kKind>
__global__ void multiply(const float* a, const float* b, float* c) {
  constexpr bool kHalves = kKind != Kind::kTf32;
  const int lane = threadIdx.x;
  uint32_t ra[4], rb[2];
  for (int i = 0; i < 4; i++) {
    if constexpr (kHalves) {
      const float low = a[thread_a16(lane + 64 * i)], high = a[thread_a16(lane + 64 * i + 32)];
      ra[i] = kKind == Kind::kBf16 ? ptx::pack_bf16(low, high) : ptx::pack_f16(low, high);
    } else {
      ra[i] = ptx::to_tf32(a[thread_a8(lane + 32 * i)]);
    }
  }
  for (int i = 0; i < 2; i++) {
    if constexpr (kHalves) {
      const float low = b[thread_b16(lane + 64 * i)], high = b[thread_b16(lane + 64 * i + 32)];
      rb[i] = kKind == Kind::kBf16 ? ptx::pack_bf16(low, high) : ptx::pack_f16(low, high);
    } else {
      rb[i] = ptx::to_tf32(b[thread_b8(lane + 32 * i)]);
    }
  }
  float d[4];
  for (int i = 0; i < 4; i++) d[i] = c[thread_c(lane + 32 * i)];
  if constexpr (kKind == Kind::kBf16) ptx::mma_m16n8k16_bf16(d, ra, rb);
  if constexpr (kKind == Kind::kF16) ptx::mma_m16n8k16_f16(d, ra, rb);
  if constexpr (kKind == Kind::kTf32) ptx::mma_m16n8k8_tf32(d, ra, rb);
  for (int i = 0; i < 4; i++) c[thread_c(lane + 32 * i)] = d[i];
}

template <Kind kKind>
bool multiplies() {
  constexpr size_t kDepth = kKind == Kind::kTf32 ? 8 : 16;
  const std::vector<float> a = small_numbers(16 * kDepth, 1), b = small_numbers(8 * kDepth, 2),
                           c = small_numbers(128, 3);
  const DeviceArray<float> da(a), db(b), dc(c);
  check(launch(multiply<kKind>, 1, 32, 0, nullptr, da.data(), db.data(), dc.data()), "launch");
  const std::vector<float> got = dc.get();
  for (size_t m = 0; m < 16; m++)
    for (size_t n = 0; n < 8; n++) {
      float want = c[m + 16 * n];
      for (size_t k = 0; k < kDepth; k++) want += a[m + 16 * k] * b[n + 8 * k];
      if (got[m + 16 * n] != want) return false;
    }
  return true;
}

// Number i of the arena is i. Row r of tile t begins at (64 t + 8 r); lanes beyond the tiles give any valid address.
__global__ void load_tiles(uint32_t* out) {
  uint16_t* s = ptx::shared_arena<uint16_t>();
  const int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) s[i] = static_cast<uint16_t>(i);
  __syncwarp();
  uint32_t x4[4], x4_trans[4], x2[2], x2_trans[2];
  ptx::ldmatrix_x4(x4, s + lane * 8);
  ptx::ldmatrix_x4_trans(x4_trans, s + lane * 8);
  ptx::ldmatrix_x2(x2, s + lane % 16 * 8);
  ptx::ldmatrix_x2_trans(x2_trans, s + lane % 16 * 8);
  for (int i = 0; i < 4; i++) out[lane * 12 + i] = x4[i];
  for (int i = 0; i < 4; i++) out[lane * 12 + 4 + i] = x4_trans[i];
  for (int i = 0; i < 2; i++) out[lane * 12 + 8 + i] = x2[i];
  for (int i = 0; i < 2; i++) out[lane * 12 + 10 + i] = x2_trans[i];
}

void check_ldmatrix(Conform& conform) {
  const DeviceArray<uint32_t> out(size_t{32 * 12});
  check(launch(load_tiles, 1, 32, 512, nullptr, out.data()), "launch");
  const std::vector<uint32_t> got = out.get();
  // SM75_U32x4_LDSM_N: thread t, value v -> number of the 8x8 tile in row-major order; _T swaps row and column.
  const auto want = [](int lane, int tile, int half, bool transposed) {
    const int row = lane / 4, column = lane % 4 * 2 + half;
    return static_cast<uint32_t>(tile * 64 + (transposed ? column * 8 + row : row * 8 + column));
  };
  const auto agrees = [&](int first, int tiles, bool transposed) {
    for (int lane = 0; lane < 32; lane++)
      for (int tile = 0; tile < tiles; tile++) {
        const uint32_t both = want(lane, tile, 1, transposed) << 16 | want(lane, tile, 0, transposed);
        if (got[static_cast<size_t>(lane * 12 + first + tile)] != both) return false;
      }
    return true;
  };
  conform.expect(agrees(0, 4, false), "ldmatrix x4");
  conform.expect(agrees(4, 4, true), "ldmatrix x4 transposed");
  conform.expect(agrees(8, 2, false), "ldmatrix x2");
  conform.expect(agrees(10, 2, true), "ldmatrix x2 transposed");
}

__global__ void convert(const float* in, uint32_t* bf16, uint32_t* f16, uint32_t* tf32) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  bf16[i] = ptx::pack_bf16(in[i], -in[i]);
  f16[i] = ptx::pack_f16(in[i], -in[i]);
  tf32[i] = ptx::to_tf32(in[i]);
}

// Rounds to `digits` binary digits in float64, but no finer than 2^finest.
double rounded(double x, int digits, int finest, bool ties_away) {
  if (x == 0) return x;
  int exponent;
  frexp(x, &exponent);
  const double step = ldexp(1, std::max(exponent - digits, finest));
  return (ties_away ? round(x / step) : nearbyint(x / step)) * step;
}

double value_of_bf16(uint32_t bits) {
  const uint32_t word = bits << 16;
  float x;
  memcpy(&x, &word, 4);
  return x;
}

double value_of_f16(uint32_t bits) {
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * (exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25));
}

void check_conversions(Conform& conform) {
  constexpr size_t kCount = 4096;
  std::vector<float> in(kCount);
  unsigned state = 7;
  for (float& x : in) {
    state = state * 1664525u + 1013904223u;
    const int exponent = static_cast<int>(state >> 20 & 63) - 40;
    state = state * 1664525u + 1013904223u;
    x = ldexpf(1.f + static_cast<float>(state >> 9) / 8388608.f, exponent);
    if (state % 5 == 0) x = ldexpf(1.f + static_cast<float>(state >> 12 & 2047) / 2048.f, exponent);  // many ties
  }
  const DeviceArray<float> din(in);
  const DeviceArray<uint32_t> bf16(kCount), f16(kCount), tf32(kCount);
  check(launch(convert, kCount / 128, 128, 0, nullptr, din.data(), bf16.data(), f16.data(), tf32.data()), "launch");
  const std::vector<uint32_t> b = bf16.get(), h = f16.get(), t = tf32.get();
  bool bf16_right = true, f16_right = true, tf32_right = true;
  for (size_t i = 0; i < kCount; i++) {
    const double want = rounded(in[i], 8, -200, false);
    bf16_right &= value_of_bf16(b[i] & 0xffff) == want && value_of_bf16(b[i] >> 16) == -want;
    double half = rounded(in[i], 11, -24, false);
    if (half > 65504) half = INFINITY;
    f16_right &= value_of_f16(h[i] & 0xffff) == half && value_of_f16(h[i] >> 16) == -half;
    float rounded_tf32;
    memcpy(&rounded_tf32, &t[i], 4);
    tf32_right &= rounded_tf32 == rounded(in[i], 11, -200, true);
  }
  conform.expect(bf16_right, "cvt.rn.bf16x2");
  conform.expect(f16_right, "cvt.rn.f16x2");
  conform.expect(tf32_right, "cvt.rna.tf32");
}

}  // namespace

int main() {
  need_device(80);
  Conform conform;
  conform.expect(multiplies<Kind::kBf16>(), "mma m16n8k16 bf16");
  conform.expect(multiplies<Kind::kF16>(), "mma m16n8k16 f16");
  conform.expect(multiplies<Kind::kTf32>(), "mma m16n8k8 tf32");
  check_ldmatrix(conform);
  check_conversions(conform);
  return conform.exit_code();
}
