// The contract between the binding and whatever computes. An engine is one device; run() computes one request on the
// calling thread's time and returns a Status. Engines never throw, never allocate outputs and live until the process
// ends: nothing here has a destructor that matters.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "engine/cut_rows.h"
#include "engine/regions.h"
#include "engine/rows.h"
#include "engine/status.h"
#include "engine/topology.h"

namespace cutloss {

using Request = std::variant<RowsRequest, CutRowsRequest, RegionsRequest, PersistenceRequest, PrepareTargetRequest,
                             MatchingRequest, BettiNumbersRequest>;

/// Asked for by an AbortSignal or by an environment that is going away; engines poll it between tiles.
class Cancel {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

struct DeviceInfo {
  char name[128] = {};
  uint64_t total_memory = 0;
  uint64_t free_memory = 0;
  char compute_capability[16] = {};  // GPUs
  char driver[16] = {};
  int threads = 0;  // the CPU
  const char* simd = nullptr;
  const char* simd_level = nullptr;
};

struct MemoryUse {
  uint64_t bytes = 0;            // device memory in tensors
  uint64_t workspace_bytes = 0;  // scratch held now
  uint64_t peak_bytes = 0;       // the most that both ever came to
};

class Engine {
 public:
  virtual Status run(Request& request, Cancel& cancel) noexcept = 0;
  virtual Status describe(DeviceInfo* info) noexcept = 0;
  virtual MemoryUse memory() noexcept = 0;

  // Device tensors. The CPU's tensors live in JavaScript's memory, so the CPU engine refuses.
  virtual Status allocate(size_t bytes, void** memory) noexcept = 0;
  virtual void release(void* memory, size_t bytes) noexcept = 0;
  virtual Status upload(void* device, const void* host, size_t bytes) noexcept = 0;
  virtual Status download(void* host, const void* device, size_t bytes) noexcept = 0;

 protected:
  ~Engine() = default;
};

/// The CPU engine is always there. cuda_engine() returns null and says why where there is no such device; asking how
/// many GPUs there are never creates a CUDA context.
Engine& cpu_engine() noexcept;
int cuda_device_count(const char** why_none = nullptr) noexcept;
Engine* cuda_engine(int index, Status* why) noexcept;

/// As CUDA writes them, 13000 for 13.0: what the engine was built with, and what the driver is for; 0 for none. Asks no
/// more of the driver than counting GPUs does.
struct CudaVersions {
  int runtime = 0, driver = 0;
};
CudaVersions cuda_versions() noexcept;

// The CPU engine's two knobs.
Status set_threads(int count) noexcept;
Status set_simd(const char* level) noexcept;     // null: the best this machine has
int simd_levels(const char* names[8]) noexcept;  // the levels this machine can run, best first

}  // namespace cutloss
