// wgmma in every width, operand order and format that the wrappers offer. Operands are put into shared memory by plain
// loops over CuTe's swizzled layouts, not by TMA.
#include "cuda/emulated/test/conform/conform.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/wgmma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;
using ptx::Major;

namespace {

constexpr int kDepth = 64, kThreads = 128;

enum class Source { kKMajor, kMnMajor, kRegisters };

// (thread, number) -> row + 64 * column, of the accumulator and of a in registers: CuTe's layout
// ((4, 8, 4), (2, 2, N / 8)) : ((128, 1, 16), (64, 8, 512)) of cute/arch/mma_sm90_desc.hpp, thread and number apart.
__host__ __device__ constexpr int of_thread(int t) { return t % 4 * 128 + t / 4 % 8 + t / 32 * 16; }
__host__ __device__ constexpr int of_number(int i) { return i % 2 * 64 + i / 2 % 2 * 8 + i / 4 * 512; }

// Swizzle<3, 4, 3> of bytes.
__device__ int swizzled(int byte) { return byte ^ (byte & 0x380) >> 3; }

// Puts a row-major [count, 64] matrix of halves where a descriptor expects it.
__device__ void put(unsigned char* shared, const uint16_t* matrix, int count, bool mn_major) {
  for (int i = threadIdx.x; i < count * kDepth; i += kThreads) {
    const int row = i / kDepth, k = i % kDepth;
    // K-major: atoms of (8, 64) : (64, 1). MN-major: atoms of (64, 8) : (1, 64), one column of atoms after the other.
    const int byte = mn_major ? row / 64 * kDepth * 128 + k * 128 + row % 64 * 2 : row * 128 + k * 2;
    *reinterpret_cast<uint16_t*>(shared + swizzled(byte)) = matrix[i];
  }
}

template <int kColumns, Source kA, Major kB, bool kIsBf16>
__global__ void __launch_bounds__(kThreads, 1) multiply(const uint16_t* a, const uint16_t* b, float* out) {
  unsigned char* shared_a = ptx::shared_arena<unsigned char>();
  unsigned char* shared_b = shared_a + 64 * kDepth * 2;
  put(shared_a, a, 64, kA == Source::kMnMajor);
  put(shared_b, b, kColumns, kB == Major::kMn);
  ptx::fence_proxy_async();
  __syncthreads();

  constexpr Major kMajorA = kA == Source::kMnMajor ? Major::kMn : Major::kK;
  const uint64_t from_a = kMajorA == Major::kMn ? ptx::wgmma_mn_major(shared_a, 0) : ptx::wgmma_k_major(shared_a);
  const uint64_t from_b = kB == Major::kMn ? ptx::wgmma_mn_major(shared_b, kDepth * 128) : ptx::wgmma_k_major(shared_b);
  constexpr int kStepA = kMajorA == Major::kMn ? 128 : 2, kStepB = kB == Major::kMn ? 128 : 2;
  uint32_t fragments[kDepth / 16][4];
  if constexpr (kA == Source::kRegisters) {
#pragma unroll
    for (int step = 0; step < kDepth / 16; step++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int low = of_thread(threadIdx.x) + of_number(i * 2), high = low + of_number(1);
        fragments[step][i] = a[low % 64 * kDepth + step * 16 + low / 64] |
                             static_cast<uint32_t>(a[high % 64 * kDepth + step * 16 + high / 64]) << 16;
      }
  }
  float d[kColumns / 2];
  ptx::wgmma_fence();
#pragma unroll
  for (int step = 0; step < kDepth / 16; step++) {
    if constexpr (kA == Source::kRegisters) {
      if constexpr (kIsBf16)
        ptx::wgmma_bf16<kColumns, kB>(d, fragments[step], from_b + step * kStepB, step > 0);
      else
        ptx::wgmma_f16<kColumns, kB>(d, fragments[step], from_b + step * kStepB, step > 0);
    } else {
      if constexpr (kIsBf16)
        ptx::wgmma_bf16<kColumns, kMajorA, kB>(d, from_a + step * kStepA, from_b + step * kStepB, step > 0);
      else
        ptx::wgmma_f16<kColumns, kMajorA, kB>(d, from_a + step * kStepA, from_b + step * kStepB, step > 0);
    }
  }
  ptx::wgmma_commit();
  ptx::wgmma_wait<0>();
  ptx::wgmma_use(d);
#pragma unroll
  for (int i = 0; i < kColumns / 2; i++) out[of_thread(threadIdx.x) + of_number(i)] = d[i];
}

template <int kColumns, Source kA, Major kB, bool kIsBf16>
void check_one(Conform& conform) {
  const std::vector<float> a = small_numbers(64 * kDepth, 1), b = small_numbers(kColumns * kDepth, 2);
  const DeviceArray<uint16_t> da(kIsBf16 ? exact_bf16(a) : exact_f16(a)), db(kIsBf16 ? exact_bf16(b) : exact_f16(b));
  const DeviceArray<float> out(size_t{64 * kColumns});
  const size_t shared_bytes = (64 + kColumns) * kDepth * 2;
  check(
      launch(multiply<kColumns, kA, kB, kIsBf16>, 1, kThreads, shared_bytes, nullptr, da.data(), db.data(), out.data()),
      "launch");
  const std::vector<float> got = out.get();
  bool right = true;
  for (size_t row = 0; row < 64; row++)
    for (size_t column = 0; column < kColumns; column++) {
      float want = 0;
      for (size_t k = 0; k < kDepth; k++) want += a[row * kDepth + k] * b[column * kDepth + k];
      right &= got[row + 64 * column] == want;
    }
  char what[80];
  snprintf(what, sizeof what, "wgmma m64n%dk16 %s, a %s, b %s", kColumns, kIsBf16 ? "bf16" : "f16",
           kA == Source::kKMajor    ? "K-major"
           : kA == Source::kMnMajor ? "MN-major"
                                    : "in registers",
           kB == Major::kK ? "K-major" : "MN-major");
  conform.expect(right, what);
}

template <int kColumns, bool kIsBf16>
void check_width(Conform& conform) {
  check_one<kColumns, Source::kKMajor, Major::kK, kIsBf16>(conform);
  check_one<kColumns, Source::kKMajor, Major::kMn, kIsBf16>(conform);
  check_one<kColumns, Source::kMnMajor, Major::kK, kIsBf16>(conform);
  check_one<kColumns, Source::kMnMajor, Major::kMn, kIsBf16>(conform);
  check_one<kColumns, Source::kRegisters, Major::kK, kIsBf16>(conform);
  check_one<kColumns, Source::kRegisters, Major::kMn, kIsBf16>(conform);
}

template <bool kIsBf16>
void check_format(Conform& conform) {
  check_width<64, kIsBf16>(conform);
  check_width<128, kIsBf16>(conform);
  check_width<192, kIsBf16>(conform);
  check_width<256, kIsBf16>(conform);
}

}  // namespace

int main() {
  need_device(90);
  Conform conform;
  check_format<true>(conform);
  check_format<false>(conform);
  return conform.exit_code();
}
