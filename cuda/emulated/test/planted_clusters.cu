// Planted bugs of clusters. A cluster of two blocks reads a matrix of int32 through a ring of two stages: each block
// loads half of every tile and multicasts it to both, and both add up the columns of the whole tile.
#include <vector>

#include "cuda/emulated/test/device_array.h"
#include "cuda/emulated/test/planted.h"
#include "cuda/launch.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/tensor_map.h"
#include "cuda/ptx/tma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

enum class Bug {
  kNone,
  kNoClusterSync,
  kExpectsOwnHalf,
  kOwnBlockOnly,
  kReleasesOwnBlock,
  kWrongHalf,
  kLeavesEarly,
  kArriveWithoutWait,
};

constexpr int kBlocks = 2, kTile = 32, kStages = 2, kSteps = 7, kThreads = 64;

struct Shared {
  int tiles[kStages][kTile * kTile];
  ptx::Mbarrier full[kStages], empty[kStages];
};

template <Bug kBug>
__device__ void produce(Shared& s, const CUtensorMap* map, uint32_t rank) {
  constexpr int kHalf = kTile / kBlocks;
  const int begin = static_cast<int>(kBug == Bug::kWrongHalf ? 1 - rank : rank) * kHalf;
  for (int step = 0; step < kSteps; step++) {
    const int stage = step % kStages;
    ptx::mbarrier_wait(&s.empty[stage], step / kStages % 2 ^ 1);
    ptx::mbarrier_arrive_expect_bytes(&s.full[stage], kTile * kTile * 4 / (kBug == Bug::kExpectsOwnHalf ? 2 : 1));
    ptx::tma_load_multicast(&s.tiles[stage][static_cast<int>(rank) * kHalf * kTile], map, &s.full[stage], 0,
                            step * kTile + begin, kBug == Bug::kOwnBlockOnly ? 1 << rank : 3);
  }
}

template <Bug kBug>
__device__ int consume(Shared& s, uint32_t rank) {
  const int lane = threadIdx.x % 32;
  int sum = 0;
  for (int step = 0; step < kSteps; step++) {
    const int stage = step % kStages;
    ptx::mbarrier_wait(&s.full[stage], step / kStages % 2);
    for (int row = 0; row < kTile; row++)
      sum += (row + 1) * s.tiles[stage][row * kTile + (lane / 4 ^ row % 8) * 4 + lane % 4];
    __syncwarp();
    if (kBug == Bug::kReleasesOwnBlock) {
      if (lane < kBlocks) ptx::mbarrier_arrive_cluster(&s.empty[stage], rank);
    } else if (lane < kBlocks) {
      ptx::mbarrier_arrive_cluster(&s.empty[stage], lane);
    }
  }
  return sum;
}

template <Bug kBug>
__global__ void column_sums(const __grid_constant__ CUtensorMap map, int* out) {
  Shared& s = *ptx::shared_arena<Shared>();
  const uint32_t rank = ptx::cluster_rank();
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; i++) {
      ptx::mbarrier_init(&s.full[i], 1);
      ptx::mbarrier_init(&s.empty[i], kBlocks);
    }
    ptx::mbarrier_fence_init();
  }
  if (kBug == Bug::kNoClusterSync)
    __syncthreads();
  else if (kBug == Bug::kArriveWithoutWait)
    ptx::cluster_arrive();
  else
    ptx::cluster_sync();
  if (threadIdx.x == 0) produce<kBug>(s, &map, rank);
  if (threadIdx.x >= 32) out[rank * kTile + threadIdx.x % 32] = consume<kBug>(s, rank);
  if (kBug == Bug::kArriveWithoutWait)
    ptx::cluster_wait();
  else if (kBug != Bug::kLeavesEarly)
    ptx::cluster_sync();
}

template <Bug kBug>
bool run() {
  std::vector<int> values(kSteps * kTile * kTile);
  for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<int>(i * i % 101);
  const DeviceArray<int> matrix(values), out(size_t{kBlocks * kTile});
  CUtensorMap map;
  check(ptx::encode({.type = CU_TENSOR_MAP_DATA_TYPE_INT32,
                     .base = matrix.data(),
                     .rows = kSteps * kTile,
                     .columns = kTile,
                     .row_bytes = kTile * 4,
                     .box_rows = kTile / kBlocks,
                     .box_columns = kTile},
                    &map),
        "tensor map");
  check(launch_cluster(column_sums<kBug>, kBlocks, kThreads, kBlocks, sizeof(Shared), nullptr, map, out.data()),
        "launch");
  const std::vector<int> got = out.get();
  for (size_t i = 0; i < got.size(); i++) {
    int want = 0;
    for (size_t row = 0; row < kSteps * kTile; row++)
      want += static_cast<int>(row % kTile + 1) * values[row * kTile + i % kTile];
    if (got[i] != want) return false;
  }
  return true;
}

template <Bug kBug>
bool planted(bool with_bug) {
  return with_bug ? run<kBug>() : run<Bug::kNone>();
}

const Case kCases[] = {
    {"cluster: mbarriers used before the other block is ready", Caught::kByRaceCheck, "data race|not initialised",
     planted<Bug::kNoClusterSync>},
    {"cluster: an arrival without its wait", Caught::kByRaceCheck, "data race|not initialised",
     planted<Bug::kArriveWithoutWait>},
    {"cluster: only the own half expected", Caught::kAlways, "bytes|data race|deadlock|more arrivals|nobody has waited",
     planted<Bug::kExpectsOwnHalf>},
    {"cluster: multicast to the own block only", Caught::kAlways, "deadlock", planted<Bug::kOwnBlockOnly>},
    {"cluster: released in the own block only", Caught::kByRaceCheck, "data race|more arrivals|deadlock",
     planted<Bug::kReleasesOwnBlock>},
    {"cluster: the wrong half loaded", Caught::kAlways, nullptr, planted<Bug::kWrongHalf>},
    {"cluster: a block leaves before its peer is done", Caught::kBySomeSchedule, "has exited",
     planted<Bug::kLeavesEarly>},
};

}  // namespace

int main(int argc, char** argv) { return run_planted(kCases, argc, argv); }
