// A GPU's memory: the driver's stream-ordered pool under a budget, so that cutloss never takes what a user wants to
// leave to others (CUTLOSS_GPU_MEMORY_BUDGET in bytes; nine tenths of the GPU otherwise). Memory that is given up stays
// in the pool for the next call; when memory runs out, the pool is emptied and asked once more.
#pragma once

#include <mutex>

#include "cuda/stream.h"

namespace cutloss::cuda {

class MemoryPool {
 public:
  enum class Purpose { kTensor, kWorkspace };

  explicit MemoryPool(Stream& stream) : stream_(stream) {}

  Status open() noexcept;

  /// Usable by what is put on the stream afterwards.
  Status allocate(size_t bytes, Purpose purpose, void** memory) noexcept;

  /// May be called while work that uses the memory is still on the stream.
  void release(void* memory, size_t bytes, Purpose purpose) noexcept;

  MemoryUse use() noexcept;

 private:
  Status reserve(size_t bytes, Purpose purpose) noexcept;
  void note_peak() noexcept;
  void give_back(size_t bytes, Purpose purpose) noexcept;
  cudaError_t allocate_or_trim(size_t bytes, void** memory) noexcept;

  Stream& stream_;
  cudaMemPool_t pool_ = nullptr;
  uint64_t budget_ = 0;
  std::mutex mutex_;
  MemoryUse use_;
};

/// Workspace that ends with its scope.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (memory_) pool_->release(memory_, bytes_, MemoryPool::Purpose::kWorkspace);
  }

  Status allocate(MemoryPool& pool, size_t bytes) noexcept {
    CUTLOSS_TRY(pool.allocate(bytes, MemoryPool::Purpose::kWorkspace, &memory_));
    pool_ = &pool;
    bytes_ = bytes;
    return {};
  }

  template <class T = void>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  size_t bytes() const { return bytes_; }

 private:
  MemoryPool* pool_ = nullptr;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace cutloss::cuda
