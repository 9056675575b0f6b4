// Planted bugs of kernels for compute capability 9.0: TMA, mbarriers, wgmma. Most are one bug away from the same
// kernel: x [64, dim] times wᵀ [64, dim], through a ring of two stages that one thread fills and a warpgroup empties.
#include <vector>

#include "cuda/emulated/test/device_array.h"
#include "cuda/emulated/test/half.h"
#include "cuda/emulated/test/planted.h"
#include "cuda/launch.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/tensor_map.h"
#include "cuda/ptx/tma.h"
#include "cuda/ptx/wgmma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;
using ptx::Major;

namespace {

enum class Bug {
  kNone,
  kNoBarrierAfterInit,
  kNoInit,
  kExpectsHalf,
  kExpectsDouble,
  kEmptyParity,
  kIgnoresEmpty,
  kOneLoadTooMany,
  kNoFullWait,
  kWrongStage,
  kFullParity,
  kEmptyCount,
  kReleasedEarly,
  kNoWgmmaWait,
  kNoWgmmaFence,
  kNoCommit,
  kDescriptorStep,
  kDescriptorSwizzle,
  kWrongMajor,
  kCoordinatesSwapped,
  kMisalignedTile,
  kLaneDescriptor,
  kWarpDescriptor,
  kWarpSkips,
};

constexpr int kTile = 64, kStages = 2, kThreads = 256, kDim = 300, kPaddedDim = 304;

struct Stage {
  uint16_t x[kTile * kTile], w[kTile * kTile];
};
struct Shared {
  Stage stages[kStages];
  ptx::Mbarrier full[kStages], empty[kStages];
};

template <Bug kBug>
__device__ void produce(Shared& s, const CUtensorMap* x_map, const CUtensorMap* w_map, int steps) {
  for (int step = 0; step < steps; step++) {
    const int stage = step % kStages;
    const uint32_t parity = step / kStages % 2;
    if (kBug != Bug::kIgnoresEmpty)
      ptx::mbarrier_wait(&s.empty[stage], kBug == Bug::kEmptyParity ? parity : parity ^ 1);
    const int bytes = kBug == Bug::kExpectsHalf     ? sizeof(Stage) / 2
                      : kBug == Bug::kExpectsDouble ? sizeof(Stage) * 2
                                                    : sizeof(Stage);
    ptx::mbarrier_arrive_expect_bytes(&s.full[stage], bytes);
    uint16_t* x = s.stages[stage].x + (kBug == Bug::kMisalignedTile ? 64 : 0);
    if (kBug == Bug::kCoordinatesSwapped)
      ptx::tma_load(x, x_map, &s.full[stage], 0, step * kTile);
    else
      ptx::tma_load(x, x_map, &s.full[stage], step * kTile, 0);
    ptx::tma_load(s.stages[stage].w, w_map, &s.full[stage], step * kTile, 0);
  }
}

template <Bug kBug>
__device__ void consume(Shared& s, int steps, float (&d)[32]) {
  for (int step = 0; step < steps; step++) {
    const int stage = step % kStages;
    const uint32_t parity = step / kStages % 2;
    const int awaited = kBug == Bug::kWrongStage ? 0 : stage;
    if (kBug != Bug::kNoFullWait) ptx::mbarrier_wait(&s.full[awaited], kBug == Bug::kFullParity ? parity ^ 1 : parity);
    uint64_t x = ptx::wgmma_k_major(s.stages[stage].x), w = ptx::wgmma_k_major(s.stages[stage].w);
    if (kBug == Bug::kDescriptorSwizzle) x ^= uint64_t{3} << 62;
    if (kBug == Bug::kWarpDescriptor && threadIdx.x / 32 == 5) w = x;
    if (kBug == Bug::kLaneDescriptor && threadIdx.x % 32 == 9) x += 2;
    if (kBug != Bug::kNoWgmmaFence) ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < kTile / 16; i++) {
      if (kBug == Bug::kWarpSkips && threadIdx.x / 32 == 5 && step == 1) continue;
      const int next = kBug == Bug::kDescriptorStep ? i : i * 2;
      ptx::wgmma_bf16<kTile, Major::kK, kBug == Bug::kWrongMajor ? Major::kMn : Major::kK>(d, x + next, w + next,
                                                                                           step > 0 || i > 0);
    }
    if (kBug != Bug::kNoCommit) ptx::wgmma_commit();
    if (kBug == Bug::kReleasedEarly) ptx::mbarrier_arrive(&s.empty[stage]);
    if (kBug != Bug::kNoWgmmaWait) ptx::wgmma_wait<0>();
    if (kBug != Bug::kReleasedEarly) ptx::mbarrier_arrive(&s.empty[stage]);
  }
  // Not wgmma_use: the race checker must notice by itself.
}

template <Bug kBug>
__global__ void __launch_bounds__(kThreads, 1)
    gemm(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap w_map, float* out) {
  Shared& s = *ptx::shared_arena<Shared>();
  constexpr int kSteps = (kDim + kTile - 1) / kTile;
  if (threadIdx.x == 0 && kBug != Bug::kNoInit) {
    for (int i = 0; i < kStages; i++) {
      ptx::mbarrier_init(&s.full[i], 1);
      ptx::mbarrier_init(&s.empty[i], kBug == Bug::kEmptyCount ? 4 : 128);
    }
    ptx::mbarrier_fence_init();
  }
  if (kBug != Bug::kNoBarrierAfterInit) __syncthreads();
  if (threadIdx.x < 128) {
    if (threadIdx.x == 0) produce<kBug>(s, &x_map, &w_map, kSteps + (kBug == Bug::kOneLoadTooMany));
    return;
  }
  float d[32];
  consume<kBug>(s, kSteps, d);
  const int lane = threadIdx.x % 32, row = (threadIdx.x / 32 - 4) * 16 + lane / 4;
#pragma unroll
  for (int i = 0; i < 32; i++) out[(row + i / 2 % 2 * 8) * kTile + i / 4 * 8 + lane % 4 * 2 + i % 2] = d[i];
}

CUtensorMap map_of(CUtensorMapDataType type, const void* base, int rows, int columns, int row_bytes, int box_rows,
                   int box_columns) {
  CUtensorMap map;
  check(ptx::encode({.type = type,
                     .base = base,
                     .rows = static_cast<uint64_t>(rows),
                     .columns = static_cast<uint64_t>(columns),
                     .row_bytes = static_cast<uint64_t>(row_bytes),
                     .box_rows = static_cast<uint32_t>(box_rows),
                     .box_columns = static_cast<uint32_t>(box_columns)},
                    &map),
        "tensor map");
  return map;
}

template <Bug kBug>
bool run_gemm() {
  const std::vector<float> x = small_numbers(kTile * kPaddedDim, 1), w = small_numbers(kTile * kPaddedDim, 2);
  const DeviceArray<uint16_t> dx(exact_bf16(x)), dw(exact_bf16(w));
  const DeviceArray<float> out(size_t{kTile * kTile});
  const auto map = [](const DeviceArray<uint16_t>& matrix) {
    return map_of(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, matrix.data(), kTile, kDim, kPaddedDim * 2, kTile, kTile);
  };
  check(launch(gemm<kBug>, 1, kThreads, sizeof(Shared), nullptr, map(dx), map(dw), out.data()), "launch");
  const std::vector<float> got = out.get();
  for (size_t i = 0; i < kTile; i++)
    for (size_t j = 0; j < kTile; j++) {
      float want = 0;
      for (size_t k = 0; k < kDim; k++) want += x[i * kPaddedDim + k] * w[j * kPaddedDim + k];
      if (got[i * kTile + j] != want) return false;
    }
  return true;
}

template <Bug kBug>
bool planted(bool with_bug) {
  return with_bug ? run_gemm<kBug>() : run_gemm<Bug::kNone>();
}

// ---- TMA stores: a [64, 64] matrix of int32 leaves through a slab of [16, 32], in eight steps

enum class StoreBug { kNone, kNoFence, kNoBarrier, kNoWait, kWaitForTooFew, kExits, kNotSwizzled, kStoreForAdd };

constexpr int kSlabRows = 16, kSlabColumns = 32, kSize = 64, kRagged = 60;

template <StoreBug kBug>
__global__ void store(const __grid_constant__ CUtensorMap map) {
  int* slab = ptx::shared_arena<int>();
  for (int step = 0; step < kSize * kSize / (kSlabRows * kSlabColumns); step++) {
    const int row0 = step / 2 * kSlabRows, column0 = step % 2 * kSlabColumns;
    for (int i = threadIdx.x; i < kSlabRows * kSlabColumns; i += blockDim.x) {
      const int row = i / kSlabColumns, column = i % kSlabColumns;
      const int piece = kBug == StoreBug::kNotSwizzled ? column / 4 : column / 4 ^ row % 8;
      slab[row * kSlabColumns + piece * 4 + column % 4] = (row0 + row) * kSize + column0 + column;
    }
    if (kBug != StoreBug::kNoFence) ptx::fence_proxy_async();
    if (kBug != StoreBug::kNoBarrier) __syncthreads();
    if (threadIdx.x == 0) {
      if (kBug == StoreBug::kStoreForAdd)
        ptx::tma_store(&map, slab, column0, row0);
      else
        ptx::tma_reduce_add(&map, slab, column0, row0);
      ptx::tma_store_commit();
      if (kBug == StoreBug::kWaitForTooFew) ptx::tma_store_wait_read<1>();
      if (kBug != StoreBug::kNoWait && kBug != StoreBug::kWaitForTooFew && kBug != StoreBug::kExits)
        ptx::tma_store_wait_read<0>();
    }
    if (kBug == StoreBug::kExits) return;
    __syncthreads();
  }
  if (threadIdx.x == 0) ptx::tma_store_wait<0>();
}

template <StoreBug kBug>
bool run_store() {
  const DeviceArray<int> out(std::vector<int>(kSize * kSize, 1000000));
  const CUtensorMap map =
      map_of(CU_TENSOR_MAP_DATA_TYPE_INT32, out.data(), kRagged, kRagged, kSize * 4, kSlabRows, kSlabColumns);
  check(launch(store<kBug>, 1, 128, kSlabRows * kSlabColumns * 4, nullptr, map), "launch");
  const std::vector<int> got = out.get();
  for (int i = 0; i < kSize * kSize; i++) {
    const bool inside = i / kSize < kRagged && i % kSize < kRagged;
    if (got[static_cast<size_t>(i)] != 1000000 + (inside ? i : 0)) return false;
  }
  return true;
}

template <StoreBug kBug>
bool planted_store(bool with_bug) {
  return with_bug ? run_store<kBug>() : run_store<StoreBug::kNone>();
}

// ---- operands that are MN-major, from shared memory: out = aᵀ b for a [64 k, 64], b [64 k, 128]

template <bool kWrongLeading>
__global__ void transposed(const __grid_constant__ CUtensorMap a_map, const __grid_constant__ CUtensorMap b_map,
                           float* out) {
  struct Tiles {
    uint16_t a[64 * 64], b[2][64 * 64];
    ptx::Mbarrier full;
  };
  Tiles& s = *ptx::shared_arena<Tiles>();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&s.full, 1);
    ptx::mbarrier_fence_init();
    ptx::mbarrier_arrive_expect_bytes(&s.full, 3 * sizeof s.a);
    ptx::tma_load(s.a, &a_map, &s.full, 0, 0);
    for (int i = 0; i < 2; i++) ptx::tma_load(s.b[i], &b_map, &s.full, i * 64, 0);
  }
  __syncthreads();
  ptx::mbarrier_wait(&s.full, 0);
  float d[64];
  const uint64_t a = ptx::wgmma_mn_major(s.a, 0), b = ptx::wgmma_mn_major(s.b, kWrongLeading ? 1024 : sizeof s.a);
  ptx::wgmma_fence();
  for (int i = 0; i < 4; i++) ptx::wgmma_bf16<128, Major::kMn, Major::kMn>(d, a + i * 128, b + i * 128, i > 0);
  ptx::wgmma_commit();
  ptx::wgmma_wait<0>();
  ptx::wgmma_use(d);
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + lane / 4;
#pragma unroll
  for (int i = 0; i < 64; i++) out[(row + i / 2 % 2 * 8) * 128 + i / 4 * 8 + lane % 4 * 2 + i % 2] = d[i];
}

bool planted_transposed(bool with_bug) {
  const std::vector<float> a = small_numbers(64 * 64, 1), b = small_numbers(64 * 128, 2);
  const DeviceArray<uint16_t> da(exact_bf16(a)), db(exact_bf16(b));
  const DeviceArray<float> out(size_t{64 * 128});
  check(launch(with_bug ? transposed<true> : transposed<false>, 1, 128, 3 * 8192 + 16, nullptr,
               map_of(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, da.data(), 64, 64, 128, 64, 64),
               map_of(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, db.data(), 64, 128, 256, 64, 64), out.data()),
        "launch");
  const std::vector<float> got = out.get();
  for (size_t i = 0; i < 64; i++)
    for (size_t j = 0; j < 128; j++) {
      float want = 0;
      for (size_t k = 0; k < 64; k++) want += a[k * 64 + i] * b[k * 128 + j];
      if (got[i * 128 + j] != want) return false;
    }
  return true;
}

const Case kCases[] = {
    {"mbarrier: no barrier after the initialisation", Caught::kByRaceCheck, "data race|not initialised",
     planted<Bug::kNoBarrierAfterInit>},
    {"mbarrier: not initialised", Caught::kAlways, "not initialised", planted<Bug::kNoInit>},
    {"mbarrier: half the bytes expected", Caught::kAlways, "bytes|deadlock|data race|nobody has waited",
     planted<Bug::kExpectsHalf>},
    {"mbarrier: twice the bytes expected", Caught::kAlways, "deadlock", planted<Bug::kExpectsDouble>},
    {"mbarrier: wrong parity of the empty stage", Caught::kAlways, "deadlock", planted<Bug::kEmptyParity>},
    {"mbarrier: wrong parity of the full stage", Caught::kByRaceCheck, "deadlock|data race", planted<Bug::kFullParity>},
    {"mbarrier: too small a count", Caught::kByRaceCheck, "data race|more arrivals|deadlock",
     planted<Bug::kEmptyCount>},
    {"mbarrier: the producer ignores that a stage is full", Caught::kByRaceCheck, "data race|more arrivals",
     planted<Bug::kIgnoresEmpty>},
    {"TMA load: not waited for", Caught::kByRaceCheck, "data race", planted<Bug::kNoFullWait>},
    {"TMA load: one too many, waited for by nobody", Caught::kBySomeSchedule, "nobody has waited for",
     planted<Bug::kOneLoadTooMany>},
    {"TMA load: the other stage waited for", Caught::kByRaceCheck, "data race|deadlock", planted<Bug::kWrongStage>},
    {"TMA load: coordinates exchanged", Caught::kAlways, nullptr, planted<Bug::kCoordinatesSwapped>},
    {"TMA load: tile not aligned to the swizzle", Caught::kAlways, "not aligned", planted<Bug::kMisalignedTile>},
    {"wgmma: stage released before the wait", Caught::kByRaceCheck, "data race", planted<Bug::kReleasedEarly>},
    {"wgmma: not waited for", Caught::kByRaceCheck, "accumulator|data race", planted<Bug::kNoWgmmaWait>},
    {"wgmma: no commit", Caught::kByRaceCheck, "accumulator|data race", planted<Bug::kNoCommit>},
    {"wgmma: no fence", Caught::kAlways, "without a wgmma.fence", planted<Bug::kNoWgmmaFence>},
    {"wgmma: wrong step in k", Caught::kAlways, nullptr, planted<Bug::kDescriptorStep>},
    {"wgmma: wrong swizzle", Caught::kAlways, "128-byte swizzle", planted<Bug::kDescriptorSwizzle>},
    {"wgmma: wrong operand order", Caught::kAlways, nullptr, planted<Bug::kWrongMajor>},
    {"wgmma: lanes disagree", Caught::kAlways, "different descriptors", planted<Bug::kLaneDescriptor>},
    {"wgmma: warps of a warpgroup disagree", Caught::kAlways, "different wgmmas", planted<Bug::kWarpDescriptor>},
    {"wgmma: a warp leaves some out", Caught::kAlways, "different wgmmas", planted<Bug::kWarpSkips>},
    {"wgmma: wrong leading offset", Caught::kAlways, nullptr, planted_transposed},
    {"TMA store: no proxy fence", Caught::kByRaceCheck, "missing fence.proxy.async", planted_store<StoreBug::kNoFence>},
    {"TMA store: no barrier before it", Caught::kByRaceCheck, "data race", planted_store<StoreBug::kNoBarrier>},
    {"TMA store: slab written again too early", Caught::kByRaceCheck, "data race", planted_store<StoreBug::kNoWait>},
    {"TMA store: a wait that leaves the last one out", Caught::kByRaceCheck, "data race",
     planted_store<StoreBug::kWaitForTooFew>},
    {"TMA store: exit without a wait", Caught::kAlways, "exits before its TMA stores", planted_store<StoreBug::kExits>},
    {"TMA store: slab not swizzled", Caught::kAlways, nullptr, planted_store<StoreBug::kNotSwizzled>},
    {"TMA store: store for reduce", Caught::kAlways, nullptr, planted_store<StoreBug::kStoreForAdd>},
};

}  // namespace

int main(int argc, char** argv) { return run_planted(kCases, argc, argv); }
