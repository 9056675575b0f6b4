// The budget is counted here and not in the pool: it holds for what cutloss asked for, while the pool keeps what was
// given up for the next call.
#include "cuda/memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdlib>

namespace cutloss::cuda {
namespace {

uint64_t budget_of(uint64_t total) {
  if (const char* text = std::getenv("CUTLOSS_GPU_MEMORY_BUDGET")) {
    char* end = nullptr;
    const unsigned long long bytes = std::strtoull(text, &end, 10);
    if (end != text && *end == '\0') return bytes;
  }
  return total / 10 * 9;
}

}  // namespace

Status MemoryPool::open() noexcept {
  size_t free = 0, total = 0;
  CUTLOSS_TRY(stream_.check(cudaMemGetInfo(&free, &total), "ask for the GPU's memory"));
  budget_ = budget_of(total);
  CUTLOSS_TRY(stream_.check(cudaDeviceGetDefaultMemPool(&pool_, stream_.device()), "find the GPU's memory pool"));
  uint64_t keep_everything = UINT64_MAX;
  return stream_.check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_everything),
                       "set up the GPU's memory pool");
}

Status MemoryPool::allocate(size_t bytes, Purpose purpose, void** memory) noexcept {
  CUTLOSS_TRY(reserve(bytes, purpose));
  const cudaError_t error = allocate_or_trim(std::max<size_t>(bytes, 1), memory);
  if (error == cudaSuccess) {
    note_peak();
    return {};
  }
  *memory = nullptr;  // the runtime does not say what it leaves there
  give_back(bytes, purpose);
  const Status status = stream_.check(error, "allocate memory");
  if (status.code != Code::kMemory) return status;
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return failure(Code::kMemory, "Expected %zu bytes of memory on cuda:%d but only %zu of %zu are free", bytes,
                 stream_.device(), free, total);
}

cudaError_t MemoryPool::allocate_or_trim(size_t bytes, void** memory) noexcept {
  const cudaError_t error = cudaMallocAsync(memory, bytes, stream_.handle());
  if (error != cudaErrorMemoryAllocation) return error;
  cudaGetLastError();
  if (const cudaError_t broken = cudaStreamSynchronize(stream_.handle()); broken != cudaSuccess) return broken;
  cudaMemPoolTrimTo(pool_, 0);
  return cudaMallocAsync(memory, bytes, stream_.handle());
}

void MemoryPool::release(void* memory, size_t bytes, Purpose purpose) noexcept {
  // In a fork, or once the GPU is lost, there is nothing left to give up.
  if (stream_.enter().ok()) (void)stream_.check(cudaFreeAsync(memory, stream_.handle()), "free memory");
  give_back(bytes, purpose);
}

MemoryUse MemoryPool::use() noexcept {
  const std::lock_guard lock(mutex_);
  return use_;
}

Status MemoryPool::reserve(size_t bytes, Purpose purpose) noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t held = use_.bytes + use_.workspace_bytes;
  if (bytes > budget_ || held > budget_ - bytes) {
    return failure(Code::kMemory,
                   "Expected %zu bytes of memory on cuda:%d but of its budget of %" PRIu64 " only %" PRIu64
                   " are free (CUTLOSS_GPU_MEMORY_BUDGET)",
                   bytes, stream_.device(), budget_, budget_ - std::min(held, budget_));
  }
  (purpose == Purpose::kTensor ? use_.bytes : use_.workspace_bytes) += bytes;
  return {};
}

void MemoryPool::note_peak() noexcept {
  const std::lock_guard lock(mutex_);
  use_.peak_bytes = std::max<uint64_t>(use_.peak_bytes, use_.bytes + use_.workspace_bytes);
}

void MemoryPool::give_back(size_t bytes, Purpose purpose) noexcept {
  const std::lock_guard lock(mutex_);
  (purpose == Purpose::kTensor ? use_.bytes : use_.workspace_bytes) -= bytes;
}

}  // namespace cutloss::cuda
