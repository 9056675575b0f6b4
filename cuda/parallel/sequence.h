// A sequence of launches on one stream: it remembers the first error and counts what it costs. Numbers that only the
// GPU knows are read back seldom, and cancelling is noticed there.
#pragma once

#include "cuda/device.h"
#include "cuda/launch.h"
#include "cuda/parallel/tiling.h"

namespace cutloss::cuda {

/// What tests set and see.
struct SequenceProbe {
  uint32_t one_block_items = kOneBlockItems;  // 0: one block finishes nothing
  uint32_t items_per_block = kItemsPerBlock;

  int64_t launches = 0;
  int64_t reads = 0;  // of the GPU's numbers by the host
};

class Sequence {
 public:
  Sequence(Device& device, Cancel& cancel, SequenceProbe& probe, const char* doing)
      : probe(probe), device_(device), cancel_(cancel), doing_(doing) {}

  template <class... Parameters, class... Arguments>
  void run(void (*kernel)(Parameters...), int blocks, size_t shared_bytes, Arguments... arguments) {
    ++probe.launches;
    keep(launch(kernel, blocks, kBlockThreads, shared_bytes, device_.stream.handle(), arguments...));
  }
  void fill(void* memory, int byte, size_t bytes) {
    ++probe.launches;
    keep(cudaMemsetAsync(memory, byte, bytes, device_.stream.handle()));
  }
  int blocks_for(uint64_t items) const { return tile_items(items, probe.items_per_block, device_.multiprocessors); }

  /// Everything so far was well, and *to is what the GPU has at `from`.
  template <class T>
  Status read(const T* from, T* to, size_t count = 1) noexcept {
    CUTLOSS_TRY(status());
    ++probe.reads;
    return device_.staging.download(to, from, count * sizeof(T), cancel_);
  }
  Status status() noexcept {
    if (cancel_.requested()) return cancelled();
    return device_.stream.check(error_, doing_);
  }

  Cancel& cancel() { return cancel_; }

  SequenceProbe& probe;

 private:
  void keep(cudaError_t error) {
    if (error_ == cudaSuccess) error_ = error;
  }

  Device& device_;
  Cancel& cancel_;
  const char* doing_;
  cudaError_t error_ = cudaSuccess;
};

}  // namespace cutloss::cuda
