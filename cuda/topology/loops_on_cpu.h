// Loops in 3-D take long chains of dependent additions, which are the CPU engine's work. It reduces them on a thread
// beside the one that drives the GPU, into memory of its own; what it found joins the rest once both are there.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "cuda/topology/bars.h"
#include "cuda/topology/on_cpu.h"
#include "cuda/topology/probe.h"

namespace cutloss::cuda {

constexpr int kLoops = 1;  // their dimension

class LoopsOnCpu {
 public:
  LoopsOnCpu(Device& device, Cancel& cancel, const TopologyProbe& probe)
      : device_(device), cancel_(cancel), guests_(device, cancel), at_loops_(probe.at_loops) {}
  ~LoopsOnCpu() {
    own_cancel_.request();  // of no use any more if the GPU failed
    if (thread_.joinable()) thread_.join();
  }

  /// What the request lends must stay as it is until join() returns.
  template <class Request>
  Status start(const Request& request) noexcept;

  bool started() const { return started_; }
  Status join() noexcept;

  /// Of Betti matching, after join(): what the bars of each item add to its loss and, if it is wanted, to its gradient.
  const ItemSums* sums() const { return sums_.get(); }    // [items]
  const double* slopes() const { return slopes_.get(); }  // [items, voxels]; null if not wanted

  /// Puts the bars among the caller's, which have those of the other dimensions already.
  Status deliver(const PersistenceRequest& to) noexcept;
  Status deliver(const MatchingRequest& to) noexcept;

 private:
  struct HostBars {
    std::unique_ptr<float[]> birth, death;
    std::unique_ptr<int32_t[]> birth_index, death_index, counts;

    bool allocate(const FieldBatch& batch, int64_t capacity);
    BarViews views(const FieldBatch& batch, int64_t capacity) const;
  };

  Status lend_bars(PersistenceRequest& request) noexcept;
  Status lend_bars(MatchingRequest& request) noexcept;
  void run() noexcept;
  Status score(const MatchingRequest& request) noexcept;
  Status put(const View& view, int64_t at, const void* from, int64_t count) noexcept;
  Status put_bars(const FieldBatch& batch, const BarViews& to, int64_t capacity, const HostBars& from) noexcept;

  Device& device_;
  Cancel& cancel_;
  Cancel own_cancel_;
  Guests guests_;
  void (*const at_loops_)();
  Request request_;
  Status result_;
  std::thread thread_;
  std::atomic<bool> done_{false};
  bool started_ = false;

  int64_t capacity_ = 0;
  HostBars bars_[2];  // of prediction (or field) and target
  std::unique_ptr<int32_t[]> partner_;
  std::unique_ptr<ItemSums[]> sums_;
  std::unique_ptr<double[]> slopes_;
};

}  // namespace cutloss::cuda
