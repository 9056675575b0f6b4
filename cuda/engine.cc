// The CUDA engine: one per GPU, made at its first use and never destroyed, since freeing CUDA's memory while the
// process ends crashes. Asking how many GPUs there are makes none of them and no context.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>

#include "cuda/cut_rows/run_cut_rows.h"
#include "cuda/device.h"
#include "cuda/regions/run_regions.h"
#include "cuda/rows/run_rows.h"
#include "cuda/topology/run_topology.h"
#include "engine/engine.h"

namespace cutloss {
namespace cuda {
namespace {

class CudaEngine final : public Engine {
 public:
  Status open(int index) noexcept {
    CUTLOSS_TRY(stream().open(index));
    CUTLOSS_TRY(expect_able(index));
    return device_.memory.open();
  }
  void close() noexcept { device_.close(); }

  Status run(Request& request, Cancel& cancel) noexcept override {
    return std::visit([&](auto& r) { return run_one(r, cancel); }, request);
  }

  Status describe(DeviceInfo* info) noexcept override {
    CUTLOSS_TRY(stream().enter());
    cudaDeviceProp properties;
    CUTLOSS_TRY(stream().check(cudaGetDeviceProperties(&properties, stream().device()), "describe the GPU"));
    size_t free = 0, total = 0;
    CUTLOSS_TRY(stream().check(cudaMemGetInfo(&free, &total), "ask for the GPU's memory"));
    int version = 0;
    CUTLOSS_TRY(stream().check(cudaDriverGetVersion(&version), "ask for the driver's version"));
    std::snprintf(info->name, sizeof info->name, "%.127s", properties.name);
    std::snprintf(info->compute_capability, sizeof info->compute_capability, "%d.%d", properties.major,
                  properties.minor);
    std::snprintf(info->driver, sizeof info->driver, "CUDA %u.%u", version / 1000 % 1000u, version / 10 % 100u);
    info->total_memory = total;
    info->free_memory = free;
    return {};
  }

  MemoryUse memory() noexcept override { return device_.memory.use(); }

  Status allocate(size_t bytes, void** memory) noexcept override {
    CUTLOSS_TRY(stream().enter());
    return device_.memory.allocate(bytes, MemoryPool::Purpose::kTensor, memory);
  }

  void release(void* memory, size_t bytes) noexcept override {
    device_.memory.release(memory, bytes, MemoryPool::Purpose::kTensor);
  }

  Status upload(void* to, const void* host, size_t bytes) noexcept override {
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    Cancel never;
    return device_.staging.upload(to, host, bytes, never);
  }

  Status download(void* host, const void* from, size_t bytes) noexcept override {
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    Cancel never;
    return device_.staging.download(host, from, bytes, never);
  }

 private:
  Stream& stream() { return device_.stream; }

  Status run_one(RowsRequest& request, Cancel& cancel) noexcept {
    CUTLOSS_TRY(check(request));
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    return run_rows(request, device_, cancel);
  }

  Status run_one(CutRowsRequest& request, Cancel& cancel) noexcept {
    CUTLOSS_TRY(check(request));
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    return run_cut_rows(request, device_, cancel);
  }

  Status run_one(RegionsRequest& request, Cancel& cancel) noexcept {
    CUTLOSS_TRY(check(request));
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    return run_regions(request, device_, cancel);
  }

  Status run_one(PersistenceRequest& request, Cancel& cancel) noexcept {
    return run_topology(request, cancel, run_persistence);
  }
  Status run_one(PrepareTargetRequest&, Cancel&) noexcept {
    return failure(Code::kDevice, "A target is prepared on the CPU: choose device 'cpu'");
  }
  Status run_one(MatchingRequest& request, Cancel& cancel) noexcept {
    return run_topology(request, cancel, run_matching);
  }
  Status run_one(BettiNumbersRequest& request, Cancel& cancel) noexcept {
    return run_topology(request, cancel, run_betti_numbers);
  }

  template <class TopologyRequest>
  Status run_topology(TopologyRequest& request, Cancel& cancel,
                      Status (*run)(TopologyRequest&, Device&, Cancel&, TopologyProbe*) noexcept) noexcept {
    CUTLOSS_TRY(check(request));
    const std::lock_guard lock(stream().submission());
    CUTLOSS_TRY(stream().enter());
    return run(request, device_, cancel, nullptr);
  }

  Status expect_able(int index) noexcept {
    int major = 0, minor = 0, pools = 0;
    const auto ask = [&](int* to, cudaDeviceAttr what) {
      return stream().check(cudaDeviceGetAttribute(to, what, index), "describe the GPU");
    };
    CUTLOSS_TRY(ask(&major, cudaDevAttrComputeCapabilityMajor));
    CUTLOSS_TRY(ask(&minor, cudaDevAttrComputeCapabilityMinor));
    CUTLOSS_TRY(ask(&pools, cudaDevAttrMemoryPoolsSupported));
    CUTLOSS_TRY(ask(&device_.multiprocessors, cudaDevAttrMultiProcessorCount));
    device_.compute_capability = major * 10 + minor;
    if (major < 8) {
      return failure(Code::kDevice, "Expected a GPU of compute capability 8.0 or newer but cuda:%d has %d.%d", index,
                     major, minor);
    }
    if (!pools) return failure(Code::kDevice, "Expected a GPU with memory pools but cuda:%d has none", index);
    return {};
  }

  Device device_;
};

/// What the driver said, once: without one, asking takes a search of the file system each time.
struct Found {
  int count = 0;
  char why_none[160] = "";
  CudaVersions versions;

  Found() noexcept {
    int found = 0;
    const auto& [runtime, driver] = versions;
    cudaRuntimeGetVersion(&versions.runtime);
    const bool answers = cudaDriverGetVersion(&versions.driver) == cudaSuccess;
    const cudaError_t error = cudaGetDeviceCount(&found);
    cudaGetLastError();
    if (error == cudaSuccess && found > 0) {
      count = found;
    } else if (answers && driver == 0) {
      std::strcpy(why_none, "this machine has no NVIDIA driver");
    } else if (error == cudaErrorInsufficientDriver) {
      std::snprintf(why_none, sizeof why_none, "its NVIDIA driver is for CUDA %d.%d and cutloss needs %d.%d or newer",
                    driver / 1000, driver % 1000 / 10, runtime / 1000, 0);
    } else if (error == cudaSuccess || error == cudaErrorNoDevice) {
      std::strcpy(why_none, "the NVIDIA driver shows no GPU (see CUDA_VISIBLE_DEVICES)");
    } else {
      std::snprintf(why_none, sizeof why_none, "the NVIDIA driver answered: %.100s", cudaGetErrorString(error));
    }
  }
};

const Found& found() {
  static const Found once;
  return once;
}

constexpr int kMostDevices = 64;
std::atomic<CudaEngine*> engines[kMostDevices];
std::mutex opening;

}  // namespace
}  // namespace cuda

int cuda_device_count(const char** why_none) noexcept {
  if (why_none) *why_none = cuda::found().why_none;
  return cuda::found().count < cuda::kMostDevices ? cuda::found().count : cuda::kMostDevices;
}

CudaVersions cuda_versions() noexcept { return cuda::found().versions; }

Engine* cuda_engine(int index, Status* why) noexcept {
  const char* why_none = "";
  const int count = cuda_device_count(&why_none);
  if (index < 0 || index >= count) {
    *why = failure(Code::kDevice, "Expected a device that is there but received cuda:%d: %s", index,
                   count ? "there are fewer GPUs" : why_none);
    return nullptr;
  }
  if (cuda::CudaEngine* open = cuda::engines[index].load(std::memory_order_acquire)) return open;

  const std::lock_guard lock(cuda::opening);
  if (cuda::CudaEngine* open = cuda::engines[index].load(std::memory_order_acquire)) return open;
  auto* engine = new (std::nothrow) cuda::CudaEngine;
  *why = engine ? engine->open(index) : failure(Code::kMemory, "No memory left for cuda:%d", index);
  if (!why->ok()) {
    if (engine) engine->close();
    delete engine;
    return nullptr;
  }
  cuda::engines[index].store(engine, std::memory_order_release);
  return engine;
}

}  // namespace cutloss
