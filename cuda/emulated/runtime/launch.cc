// Checks a launch, and spreads its clusters over OS threads in an order that depends on the seed.
#include "cuda/emulated/runtime/launch.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/runtime/faults.h"

namespace cutloss::emulated {
namespace {

bool is_possible(const Launch& launch) {
  const auto volume = [](dim3 d) { return uint64_t{d.x} * d.y * d.z; };
  const uint64_t cluster = volume(launch.cluster);
  return volume(launch.block) >= 1 && volume(launch.block) <= kMaxThreads && volume(launch.grid) >= 1 &&
         launch.grid.x <= 0x7fffffffu && launch.grid.y <= 65535 && launch.grid.z <= 65535 &&
         launch.shared_bytes <= kMaxSharedBytes && cluster >= 1 && cluster <= kMaxClusterBlocks &&
         launch.grid.x % launch.cluster.x == 0 && launch.grid.y % launch.cluster.y == 0 &&
         launch.grid.z % launch.cluster.z == 0;
}

// Blocks keep their stacks and shared memory from one launch to the next.
class BlockPool {
 public:
  std::unique_ptr<Block> take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Block>();
    std::unique_ptr<Block> block = std::move(idle_.back());
    idle_.pop_back();
    return block;
  }
  void give_back(std::unique_ptr<Block> block) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(block));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> idle_;
};

// Never destroyed: a process may exit while a launch of another OS thread is still running.
BlockPool& block_pool() {
  static BlockPool& pool = *new BlockPool;
  return pool;
}

// Which cluster runs as the i-th. Kernels must not depend on it.
uint64_t permuted(uint64_t i, uint64_t total, uint64_t seed) {
  if (seed == 0) return i;
  if (seed == 1) return total - 1 - i;
  uint64_t step = seed % total;
  while (std::gcd(step, total) != 1) step = (step + 1) % total;
  return (i * step + seed / 3) % total;
}

unsigned os_threads() {
  const char* text = getenv("CUTLOSS_EMULATED_THREADS");
  const int asked = text ? atoi(text) : static_cast<int>(std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::clamp(asked, 1, 64));
}

}  // namespace

bool run(Launch launch) {
  if (!is_possible(launch)) return false;
  report_faults();
  launch.seed = Schedule::seed_from_environment();
  const uint64_t total = uint64_t{launch.grid.x / launch.cluster.x} * (launch.grid.y / launch.cluster.y) *
                         (launch.grid.z / launch.cluster.z);
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    const FaultStack fault_stack;
    std::unique_ptr<Block> block = block_pool().take();
    for (uint64_t i; (i = next++) < total;) block->run(launch, permuted(i, total, launch.seed));
    block_pool().give_back(std::move(block));
  };
  const uint64_t workers = std::min<uint64_t>(os_threads(), total);
  std::vector<std::thread> others;
  for (uint64_t i = 1; i < workers; i++) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  device_memory().check_red_zones();
  return true;
}

}  // namespace cutloss::emulated
