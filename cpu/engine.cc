// The CPU engine: hands each request to its implementation.
#include <atomic>
#include <cstring>

#ifdef __linux__
#include <sys/sysinfo.h>
#endif

#include "cpu/cut_rows/run_cut_rows.h"
#include "cpu/levels/levels.h"
#include "cpu/regions/run_regions.h"
#include "cpu/rows/run_rows.h"
#include "cpu/thread_pool.h"
#include "cpu/topology/run_topology.h"
#include "cpu/workspace.h"
#include "engine/engine.h"

namespace cutloss {
namespace cpu {
namespace {

class CpuEngine final : public Engine {
 public:
  Status run(Request& request, Cancel& cancel) noexcept override {
    return std::visit([&](auto& r) { return run_one(r, cancel); }, request);
  }

  Status describe(DeviceInfo* info) noexcept override {
    std::strcpy(info->name, "CPU");
#ifdef __linux__
    struct sysinfo system;
    if (sysinfo(&system) == 0) {
      info->total_memory = uint64_t{system.totalram} * system.mem_unit;
      info->free_memory = uint64_t{system.freeram + system.bufferram} * system.mem_unit;
    }
#endif
    info->threads = ThreadPool::shared().threads();
    info->simd = level().vectors;
    info->simd_level = level().name;
    return {};
  }

  MemoryUse memory() noexcept override {
    MemoryUse use;
    Workspace::use(&use.workspace_bytes, &use.peak_bytes);
    return use;
  }

  Status allocate(size_t, void**) noexcept override { return no_device_memory(); }
  void release(void*, size_t) noexcept override {}
  Status upload(void*, const void*, size_t) noexcept override { return no_device_memory(); }
  Status download(void*, const void*, size_t) noexcept override { return no_device_memory(); }

 private:
  static Status run_one(RowsRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_rows(request, level(), ThreadPool::shared(), cancel);
  }
  static Status run_one(CutRowsRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_cut_rows(request, level(), ThreadPool::shared(), cancel);
  }
  static Status run_one(RegionsRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_regions(request, level(), ThreadPool::shared(), cancel);
  }
  static Status run_one(PersistenceRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_persistence(request, ThreadPool::shared(), cancel);
  }
  static Status run_one(PrepareTargetRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_prepare_target(request, ThreadPool::shared(), cancel);
  }
  static Status run_one(MatchingRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_matching(request, ThreadPool::shared(), cancel);
  }
  static Status run_one(BettiNumbersRequest& request, Cancel& cancel) {
    CUTLOSS_TRY(check(request));
    return run_betti_numbers(request, ThreadPool::shared(), cancel);
  }
  static Status no_device_memory() { return failure(Code::kInternal, "The CPU's tensors live in JavaScript's memory"); }
};

}  // namespace
}  // namespace cpu

Engine& cpu_engine() noexcept {
  static cpu::CpuEngine engine;
  return engine;
}

Status set_threads(int count) noexcept {
  if (count < 1 || count > 1024) {
    return failure(Code::kOption, "Expected a number of threads from 1 to 1024 but received %d", count);
  }
  cpu::ThreadPool::shared().set_threads(count);
  return {};
}

}  // namespace cutloss
