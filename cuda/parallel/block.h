// What the threads of a block do together: chunks of a list, sums, and compaction that keeps the order. Whatever is
// counted is counted over the same chunks as it is placed, by a launch with as many blocks.
#pragma once

#include <cuda_runtime.h>

#include "cuda/parallel/tiling.h"
#include "cuda/ptx/memory.h"

namespace cutloss::cuda {

constexpr int kBlockWarps = kBlockThreads / 32;

/// Part of a list that a block takes: whole tiles of as many items as it has threads.
struct Chunk {
  uint32_t begin, end;

  __device__ static Chunk of(uint32_t count) { return of(count, blockIdx.x, gridDim.x); }
  __device__ static Chunk of(uint32_t count, uint32_t block, uint32_t blocks) {
    const uint64_t tiles = (uint64_t{count} + kBlockThreads - 1) / kBlockThreads;
    const uint64_t size = (tiles + blocks - 1) / blocks * kBlockThreads;
    const uint64_t begin = block * size, end = begin + size;
    return {static_cast<uint32_t>(begin < count ? begin : count), static_cast<uint32_t>(end < count ? end : count)};
  }
};

template <class Visit>
__device__ __forceinline__ void for_each_in_chunk(uint32_t count, const Visit& visit) {
  const Chunk chunk = Chunk::of(count);
#pragma unroll 1
  for (uint64_t i = uint64_t{chunk.begin} + threadIdx.x; i < chunk.end; i += kBlockThreads) {
    visit(static_cast<uint32_t>(i));
  }
}

/// Reductions and counts across the block. Two sets of slots take turns, so each costs one barrier. All threads call
/// all of them together; between two objects of one block must stand a barrier.
class Together {
 public:
  static constexpr size_t kSharedBytes = 2 * kBlockWarps * sizeof(double);

  /// `combine` must be commutative and associative.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) {
    for (int distance = 16; distance > 0; distance /= 2) {
      value = combine(value, __shfl_xor_sync(~0u, value, distance));
    }
    T* slots = take_slots<T>();
    if (threadIdx.x % 32 == 0) slots[threadIdx.x / 32] = value;
    __syncthreads();
    value = slots[0];
    for (int warp = 1; warp < kBlockWarps; ++warp) value = combine(value, slots[warp]);
    return value;
  }
  template <class T>
  __device__ T sum(T value) {
    return reduce(value, [](T a, T b) { return a + b; });
  }

  /// How many threads before this one have the flag; *total: how many at all.
  __device__ uint32_t flags_before(bool flag, uint32_t* total) {
    const uint32_t votes = __ballot_sync(~0u, flag);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    uint32_t* slots = take_slots<uint32_t>();
    if (lane == 0) slots[warp] = __popc(votes);
    __syncthreads();
    uint32_t before = __popc(votes & ((1u << lane) - 1)), all = 0;
    for (int w = 0; w < kBlockWarps; ++w) {
      before += w < warp ? slots[w] : 0;
      all += slots[w];
    }
    *total = all;
    return before;
  }

  /// The sum of the values of all threads before this one; *total: of all threads.
  template <class T>
  __device__ T sum_before(T value, T* total) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    T through = value;
    for (int distance = 1; distance < 32; distance *= 2) {
      const T other = __shfl_up_sync(~0u, through, distance);
      if (lane >= distance) through += other;
    }
    T* slots = take_slots<T>();
    if (lane == 31) slots[warp] = through;
    // what lanes before this one add up to: a difference would not be exact for numbers that round
    T before = __shfl_up_sync(~0u, through, 1);
    if (lane == 0) before = 0;
    __syncthreads();
    T of_warps = 0, all = 0;
    for (int w = 0; w < kBlockWarps; ++w) {
      of_warps += w < warp ? slots[w] : 0;
      all += slots[w];
    }
    *total = all;
    return of_warps + before;
  }

 private:
  template <class T>
  __device__ T* take_slots() {
    static_assert(sizeof(T) <= sizeof(double), "a slot holds eight bytes");
    T* slots = reinterpret_cast<T*>(ptx::shared_arena<double>() + turn_ * kBlockWarps);
    turn_ ^= 1;
    return slots;
  }
  int turn_ = 0;
};

/// Leaves for each block how many items of its chunk the predicate holds for.
template <class Is>
__device__ __forceinline__ void count_in_chunk(uint32_t count, uint32_t* block_counts, const Is& is) {
  uint32_t mine = 0;
  for_each_in_chunk(count, [&](uint32_t i) { mine += is(i) ? 1 : 0; });
  Together together;
  mine = together.sum(mine);
  if (threadIdx.x == 0) block_counts[blockIdx.x] = mine;
}

/// place(i, position) for the same items, in order, after count_in_chunk() by as many blocks; returns how many there
/// are in all chunks.
template <class Is, class Place>
__device__ __forceinline__ uint32_t place_in_chunk(uint32_t count, const uint32_t* block_counts, const Is& is,
                                                   const Place& place) {
  Together together;
  uint32_t before = 0, all = 0;
  for (uint32_t block = threadIdx.x; block < gridDim.x; block += kBlockThreads) {
    const uint32_t there = block_counts[block];
    before += block < blockIdx.x ? there : 0;
    all += there;
  }
  before = together.sum(before);
  all = together.sum(all);
  const Chunk chunk = Chunk::of(count);
#pragma unroll 1
  for (uint64_t tile = chunk.begin; tile < chunk.end; tile += kBlockThreads) {
    const uint64_t i = tile + threadIdx.x;
    const bool wanted = i < chunk.end && is(static_cast<uint32_t>(i));
    uint32_t of_tile;
    const uint32_t position = before + together.flags_before(wanted, &of_tile);
    if (wanted) place(static_cast<uint32_t>(i), position);
    before += of_tile;
  }
  return all;
}

}  // namespace cutloss::cuda
