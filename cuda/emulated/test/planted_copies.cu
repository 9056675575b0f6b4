// Planted bugs of kernels that copy with cp.async, load with ldmatrix and multiply with mma. All are one bug away from
// the same kernel: a [16, dim] times bᵀ [16, dim] by one warp per half of b, through two buffers of depth 32.
#include <vector>

#include "cuda/emulated/test/device_array.h"
#include "cuda/emulated/test/half.h"
#include "cuda/emulated/test/planted.h"
#include "cuda/launch.h"
#include "cuda/ptx/cp_async.h"
#include "cuda/ptx/ldmatrix.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/mma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

enum class Bug {
  kNone,
  kNoWait,
  kWaitForTooFew,
  kNoCommit,
  kNoBarrierAfterWait,
  kNoBarrierBeforeRefill,
  kMisalignedSource,
  kSourceOutOfBounds,
  kNoZeroFill,
  kWrongRow,
  kWrongHalf,
  kMisalignedRow,
  kRowOutOfShared,
  kTransposed,
  kSwappedOperand,
  kHalfWarp,
  kWrongFormat,
};

constexpr int kRows = 16, kDepth = 32, kDim = 72, kPitch = kDepth + 8, kThreads = 64;

struct Shared {
  uint16_t a[2][kRows][kPitch], b[2][kRows][kPitch];
};

template <Bug kBug>
__device__ void load(Shared& s, int buffer, const uint16_t* a, const uint16_t* b, int k0) {
  for (int piece = threadIdx.x; piece < kRows * kDepth / 8; piece += kThreads) {
    const int row = piece / (kDepth / 8), k = k0 + piece % (kDepth / 8) * 8;
    int bytes = k < kDim ? 16 : 0;
    if (kBug == Bug::kNoZeroFill) bytes = row + 1 < kRows ? 16 : bytes;
    if (kBug == Bug::kSourceOutOfBounds) bytes = 16;
    const int shift = kBug == Bug::kMisalignedSource && k0 > 0 ? 1 : 0;
    ptx::cp_async_16(&s.a[buffer][row][k - k0], bytes ? a + row * kDim + k + shift : a, bytes);
    ptx::cp_async_16(&s.b[buffer][row][k - k0], bytes ? b + row * kDim + k : b, bytes);
  }
  if (kBug != Bug::kNoCommit) ptx::cp_async_commit();
}

template <Bug kBug>
__device__ void multiply(const Shared& s, int buffer, float (&d)[4]) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  if (kBug == Bug::kHalfWarp && lane >= 16) return;
  for (int k = 0; k < kDepth; k += 16) {
    uint32_t a[4], b[2];
    const int row = kBug == Bug::kWrongRow ? lane % 8 : lane % 16, half = kBug == Bug::kWrongHalf ? 0 : lane / 16 * 8;
    const uint16_t* from = &s.a[buffer][row][k + half];
    if (kBug == Bug::kMisalignedRow) from += 2;
    if (kBug == Bug::kRowOutOfShared && lane == 0) from += sizeof(Shared);
    if (kBug == Bug::kTransposed)
      ptx::ldmatrix_x4_trans(a, from);
    else
      ptx::ldmatrix_x4(a, from);
    ptx::ldmatrix_x2(b, &s.b[buffer][warp * 8 + lane % 8][k + lane / 8 % 2 * 8]);
    if (kBug == Bug::kSwappedOperand) {
      const uint32_t first = b[0];
      b[0] = b[1];
      b[1] = first;
    }
    if (kBug == Bug::kWrongFormat)
      ptx::mma_m16n8k16_f16(d, a, b);
    else
      ptx::mma_m16n8k16_bf16(d, a, b);
  }
}

template <Bug kBug>
__global__ void gemm(const uint16_t* a, const uint16_t* b, float* out) {
  Shared& s = *ptx::shared_arena<Shared>();
  float d[4] = {};
  constexpr int kSteps = (kDim + kDepth - 1) / kDepth;
  load<kBug>(s, 0, a, b, 0);
  for (int step = 0; step < kSteps; step++) {
    if (step + 1 < kSteps) load<kBug>(s, (step + 1) % 2, a, b, (step + 1) * kDepth);
    if (kBug == Bug::kWaitForTooFew || step + 1 < kSteps)
      ptx::cp_async_wait<1>();
    else if (kBug != Bug::kNoWait)
      ptx::cp_async_wait<0>();
    if (kBug != Bug::kNoBarrierAfterWait) __syncthreads();
    multiply<kBug>(s, step % 2, d);
    if (kBug != Bug::kNoBarrierBeforeRefill) __syncthreads();
  }
  const int lane = threadIdx.x % 32, column = threadIdx.x / 32 * 8 + lane % 4 * 2;
  for (int i = 0; i < 4; i++) out[(lane / 4 + i / 2 * 8) * kRows + column + i % 2] = d[i];
}

// The last rows of the matrices end where their allocations end.
template <Bug kBug>
bool run_gemm() {
  const std::vector<float> a = small_numbers(kRows * kDim, 1), b = small_numbers(kRows * kDim, 2);
  const DeviceArray<uint16_t> da(exact_bf16(a)), db(exact_bf16(b));
  const DeviceArray<float> out(size_t{kRows * kRows});
  check(launch(gemm<kBug>, 1, kThreads, sizeof(Shared), nullptr, da.data(), db.data(), out.data()), "launch");
  const std::vector<float> got = out.get();
  for (int i = 0; i < kRows; i++)
    for (int j = 0; j < kRows; j++) {
      float want = 0;
      for (int k = 0; k < kDim; k++)
        want += a[static_cast<size_t>(i * kDim + k)] * b[static_cast<size_t>(j * kDim + k)];
      if (got[static_cast<size_t>(i * kRows + j)] != want) return false;
    }
  return true;
}

template <Bug kBug>
bool planted(bool with_bug) {
  return with_bug ? run_gemm<kBug>() : run_gemm<Bug::kNone>();
}

// tf32 operands must be rounded: the tensor core would truncate them.
template <bool kBug>
__global__ void tf32(float* out) {
  const float x = 0.3f;  // whose lower bits round up
  const uint32_t one = kBug ? __float_as_uint(x) : ptx::to_tf32(x);
  const uint32_t a[4] = {one, one, one, one}, b[2] = {ptx::to_tf32(1.f), ptx::to_tf32(1.f)};
  float d[4] = {};
  ptx::mma_m16n8k8_tf32(d, a, b);
  out[threadIdx.x] = d[0];
}

bool planted_tf32(bool with_bug) {
  const DeviceArray<float> out(size_t{32});
  check(launch(with_bug ? tf32<true> : tf32<false>, 1, 32, 0, nullptr, out.data()), "launch");
  for (float d : out.get())
    if (fabsf(d - 8 * 0.3f) > 8 * 0.3f * 0x1p-12f) return false;
  return true;
}

const Case kCases[] = {
    {"cp.async: no wait", Caught::kByRaceCheck, "data race", planted<Bug::kNoWait>},
    {"cp.async: a wait that leaves the last group out", Caught::kByRaceCheck, "data race",
     planted<Bug::kWaitForTooFew>},
    {"cp.async: no commit", Caught::kByRaceCheck, "data race", planted<Bug::kNoCommit>},
    {"cp.async: no barrier after the wait", Caught::kByRaceCheck, "data race", planted<Bug::kNoBarrierAfterWait>},
    {"cp.async: a buffer refilled without a barrier", Caught::kByRaceCheck, "data race",
     planted<Bug::kNoBarrierBeforeRefill>},
    {"cp.async: misaligned source", Caught::kAlways, "not aligned", planted<Bug::kMisalignedSource>},
    {"cp.async: reads behind the matrix", Caught::kAlways, "outside global memory", planted<Bug::kSourceOutOfBounds>},
    {"cp.async: the next row in place of zeros", Caught::kAlways, nullptr, planted<Bug::kNoZeroFill>},
    {"ldmatrix: wrong row", Caught::kAlways, nullptr, planted<Bug::kWrongRow>},
    {"ldmatrix: wrong half", Caught::kAlways, nullptr, planted<Bug::kWrongHalf>},
    {"ldmatrix: misaligned row", Caught::kAlways, "not aligned", planted<Bug::kMisalignedRow>},
    {"ldmatrix: row outside shared memory", Caught::kAlways, "outside the shared memory",
     planted<Bug::kRowOutOfShared>},
    {"ldmatrix: transposed", Caught::kAlways, nullptr, planted<Bug::kTransposed>},
    {"ldmatrix: half a warp", Caught::kAlways, "different operations|deadlock|divergent|exit", planted<Bug::kHalfWarp>},
    {"mma: operand registers exchanged", Caught::kAlways, nullptr, planted<Bug::kSwappedOperand>},
    {"mma: the other 16-bit format", Caught::kAlways, nullptr, planted<Bug::kWrongFormat>},
    {"mma: tf32 operands not rounded", Caught::kAlways, nullptr, planted_tf32},
};

}  // namespace

int main(int argc, char** argv) { return run_planted(kCases, argc, argv); }
