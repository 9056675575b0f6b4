// The CPU engine as far as topology needs it: what the CUDA engine's answers are compared with, and what it leaves to
// it.
#include "cpu/topology/run_topology.h"

namespace cutloss {
namespace {

class TopologyOnCpu final : public Engine {
 public:
  Status run(Request& request, Cancel& cancel) noexcept override {
    cpu::ThreadPool& pool = cpu::ThreadPool::shared();
    if (auto* r = std::get_if<PersistenceRequest>(&request)) return cpu::run_persistence(*r, pool, cancel);
    if (auto* r = std::get_if<MatchingRequest>(&request)) return cpu::run_matching(*r, pool, cancel);
    if (auto* r = std::get_if<BettiNumbersRequest>(&request)) return cpu::run_betti_numbers(*r, pool, cancel);
    return failure(Code::kDevice, "Expected topology");
  }
  Status describe(DeviceInfo*) noexcept override { return {}; }
  MemoryUse memory() noexcept override { return {}; }
  Status allocate(size_t, void**) noexcept override { return failure(Code::kDevice, "no device memory"); }
  void release(void*, size_t) noexcept override {}
  Status upload(void*, const void*, size_t) noexcept override { return {}; }
  Status download(void*, const void*, size_t) noexcept override { return {}; }
};

}  // namespace

Engine& cpu_engine() noexcept {
  static TopologyOnCpu engine;
  return engine;
}

}  // namespace cutloss
