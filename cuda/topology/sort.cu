// A radix sort from the lowest byte up, three launches for each: blocks count the bytes of their chunks; for each byte,
// the blocks' counts become where the blocks may begin; blocks put their pairs there, tile by tile, in order.
#include "cuda/topology/sort.h"

#include <utility>

#include "cuda/topology/block.h"

namespace cutloss::cuda {
namespace {

constexpr int kDigits = 256;
static_assert(kDigits == kTopologyThreads, "each thread looks after a digit");

__device__ uint32_t digit_of(uint32_t key, int shift) { return key >> shift & (kDigits - 1); }

/// counts: [kDigits, blocks], then [kDigits]
__global__ void __launch_bounds__(kTopologyThreads)
    count_digits_kernel(const uint32_t* keys, uint32_t count, int shift, uint32_t* counts) {
  uint32_t* mine = ptx::shared_arena<uint32_t>();
  mine[threadIdx.x] = 0;
  __syncthreads();
  for_each_in_chunk(count, [&](uint32_t i) { atomicAdd(&mine[digit_of(keys[i], shift)], 1u); });
  __syncthreads();
  counts[threadIdx.x * gridDim.x + blockIdx.x] = mine[threadIdx.x];
}

/// One block for each digit.
__global__ void __launch_bounds__(kTopologyThreads) add_up_digits_kernel(uint32_t* counts, int blocks) {
  Together together;
  uint32_t* own = counts + blockIdx.x * blocks;
  uint32_t before = 0;
  for (int first = 0; first < blocks; first += kTopologyThreads) {
    const int block = first + threadIdx.x;
    uint32_t all;
    const uint32_t start = before + together.sum_before(block < blocks ? own[block] : 0, &all);
    if (block < blocks) own[block] = start;
    before += all;
  }
  if (threadIdx.x == 0) counts[kDigits * blocks + blockIdx.x] = before;
}

constexpr size_t kPlaceBytes = Together::kSharedBytes + sizeof(uint32_t) * kDigits * (kTopologyWarps + 1);

__global__ void __launch_bounds__(kTopologyThreads)
    place_pairs_kernel(Pairs from, Pairs to, uint32_t count, int shift, const uint32_t* counts) {
  uint32_t* next = ptx::shared_arena<uint32_t>() + Together::kSharedBytes / sizeof(uint32_t);  // of each digit
  uint32_t* of_warps = next + kDigits;  // [kTopologyWarps, kDigits]: how many of a tile
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  Together together;
  uint32_t all;
  const uint32_t smaller = together.sum_before(counts[kDigits * gridDim.x + threadIdx.x], &all);
  next[threadIdx.x] = smaller + counts[threadIdx.x * gridDim.x + blockIdx.x];

  const Chunk chunk = Chunk::of(count);
  for (uint64_t tile = chunk.begin; tile < chunk.end; tile += kTopologyThreads) {
    for (int w = 0; w < kTopologyWarps; ++w) of_warps[w * kDigits + threadIdx.x] = 0;
    __syncthreads();
    const uint64_t i = tile + threadIdx.x;
    const bool there = i < chunk.end;
    const uint32_t key = there ? from.keys[i] : 0;
    const uint32_t digit = there ? digit_of(key, shift) : kDigits;
    const uint32_t alike = __match_any_sync(~0u, digit);
    const uint32_t before_in_warp = __popc(alike & ((1u << lane) - 1));
    if (there && before_in_warp == 0) of_warps[warp * kDigits + digit] = __popc(alike);
    __syncthreads();
    uint32_t position = before_in_warp;
    if (there) {
      position += next[digit];
      for (int w = 0; w < warp; ++w) position += of_warps[w * kDigits + digit];
      to.keys[position] = key;
      to.values[position] = from.values[i];
    }
    __syncthreads();
    for (int w = 0; w < kTopologyWarps; ++w) next[threadIdx.x] += of_warps[w * kDigits + threadIdx.x];
  }
}

}  // namespace

void sort_pairs(Sequence& sequence, Pairs* pairs, Pairs* other, uint32_t count, int bits, uint32_t* counts) {
  const int blocks = sequence.blocks_for(count);
  for (int shift = 0; shift < bits; shift += 8) {
    sequence.run(count_digits_kernel, blocks, kDigits * sizeof(uint32_t), pairs->keys, count, shift, counts);
    sequence.run(add_up_digits_kernel, kDigits, Together::kSharedBytes, counts, blocks);
    sequence.run(place_pairs_kernel, blocks, kPlaceBytes, *pairs, *other, count, shift, counts);
    std::swap(*pairs, *other);
  }
}

}  // namespace cutloss::cuda
