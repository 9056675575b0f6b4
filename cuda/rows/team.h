// The threads that share a row: a part of a warp, or a whole block. What they compute together comes out the same in
// each of them, to the bit, and does not depend on timing.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/ptx/memory.h"
#include "cuda/rows/tiling.h"

namespace cutloss::cuda {

class Team {
 public:
  /// Shared memory for reductions across a block, and behind it for one broadcast value.
  static constexpr int kSlots = std::max(kMostRowThreads, kTargetThreads) / kWarp;
  static constexpr size_t kBroadcastBytes = 128;
  static constexpr size_t kSharedBytes = 2 * kSlots * sizeof(double) + kBroadcastBytes;

  __device__ explicit Team(int size) : size_(size), rank_(threadIdx.x % size) {}

  __device__ int size() const { return size_; }
  __device__ int rank() const { return rank_; }
  __device__ int index() const { return threadIdx.x / size_; }
  __device__ bool spans_warps() const { return size_ > kWarp; }

  /// True in the threads that work out what the team then shares: the first warp.
  __device__ bool leads() const { return rank_ < kWarp; }

  /// `combine` must be commutative. All threads of the block call this together.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) {
    static_assert(sizeof(T) <= sizeof(double), "a slot holds eight bytes");
    for (int distance = min(size_, kWarp) / 2; distance > 0; distance /= 2) {
      value = combine(value, __shfl_xor_sync(~0u, value, distance));
    }
    if (!spans_warps()) return value;
    // Two sets of slots take turns: nobody writes a set again before everybody has read it, with one barrier each.
    double* slots = ptx::shared_arena<double>() + turn_ * kSlots;
    turn_ ^= 1;
    if (rank_ % kWarp == 0) *reinterpret_cast<T*>(slots + rank_ / kWarp) = value;
    __syncthreads();
    value = *reinterpret_cast<const T*>(slots);
    for (int warp = 1; warp < size_ / kWarp; ++warp) value = combine(value, *reinterpret_cast<const T*>(slots + warp));
    return value;
  }

  __device__ float max(float value) {
    return reduce(value, [](float a, float b) { return fmaxf(a, b); });
  }
  __device__ double max(double value) {
    return reduce(value, [](double a, double b) { return fmax(a, b); });
  }
  __device__ double sum(double value) {
    return reduce(value, [](double a, double b) { return a + b; });
  }

  /// Gives the leaders' value to all, and is a barrier: what the team's threads did to memory before, all of them see
  /// after. A reduction must stand between two of these.
  template <class T>
  __device__ T broadcast(const T& value) const {
    static_assert(sizeof(T) <= kBroadcastBytes, "raise kBroadcastBytes");
    if (!spans_warps()) {
      __syncwarp();
      return value;
    }
    T* shared = reinterpret_cast<T*>(ptx::shared_arena<double>() + 2 * kSlots);
    if (rank_ == 0) *shared = value;
    __syncthreads();
    return *shared;
  }

 private:
  int size_, rank_;
  int turn_ = 0;
};

}  // namespace cutloss::cuda
