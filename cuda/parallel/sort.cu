// A radix sort from the lowest byte up, three launches for each: blocks count the bytes of their chunks; for each byte,
// the blocks' counts become where the blocks may begin; blocks put their pairs there, tile by tile, in order. Few pairs
// are sorted by one block in one launch.
#include "cuda/parallel/sort.h"

#include <utility>

#include "cuda/parallel/block.h"

namespace cutloss::cuda {
inline namespace in_sort {

constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
static_assert(kDigits == kBlockThreads, "each thread looks after a digit");

__device__ uint32_t digit_of(uint32_t key, int shift) { return key >> shift & (kDigits - 1); }

/// How often each digit comes in the block's chunk, in shared memory: [kDigits].
__device__ void count_digits(const uint32_t* keys, uint32_t count, int shift, uint32_t* digits) {
  digits[threadIdx.x] = 0;
  __syncthreads();
  for_each_in_chunk(count, [&](uint32_t i) { atomicAdd(&digits[digit_of(keys[i], shift)], 1u); });
  __syncthreads();
}

/// Puts the chunk's pairs in their places. next: in shared memory, [kDigits], where the first of each digit goes;
/// behind it, [kBlockWarps, kDigits], how many of a tile have it.
__device__ void place_pairs(const Pairs& from, const Pairs& to, uint32_t count, int shift, uint32_t* next) {
  uint32_t* of_warps = next + kDigits;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const Chunk chunk = Chunk::of(count);
  for (uint64_t tile = chunk.begin; tile < chunk.end; tile += kBlockThreads) {
    for (int w = 0; w < kBlockWarps; ++w) of_warps[w * kDigits + threadIdx.x] = 0;
    __syncthreads();
    const uint64_t i = tile + threadIdx.x;
    const bool there = i < chunk.end;
    const uint32_t key = there ? from.keys[i] : 0;
    const uint32_t digit = there ? digit_of(key, shift) : kDigits;
    const uint32_t alike = __match_any_sync(~0u, digit);
    const uint32_t before_in_warp = __popc(alike & ((1u << lane) - 1));
    if (there && before_in_warp == 0) of_warps[warp * kDigits + digit] = __popc(alike);
    __syncthreads();
    if (there) {
      uint32_t position = next[digit] + before_in_warp;
      for (int w = 0; w < warp; ++w) position += of_warps[w * kDigits + digit];
      to.keys[position] = key;
      to.values[position] = from.values[i];
    }
    __syncthreads();
    for (int w = 0; w < kBlockWarps; ++w) next[threadIdx.x] += of_warps[w * kDigits + threadIdx.x];
  }
  __syncthreads();
}

constexpr size_t kPlaceBytes = Together::kSharedBytes + sizeof(uint32_t) * kDigits * (kBlockWarps + 1);
__device__ uint32_t* shared_digits() {
  return ptx::shared_arena<uint32_t>() + Together::kSharedBytes / sizeof(uint32_t);
}

/// counts: [kDigits, blocks], then [kDigits]
__global__ void __launch_bounds__(kBlockThreads)
    count_digits_kernel(const uint32_t* keys, uint32_t count, int shift, uint32_t* counts) {
  count_digits(keys, count, shift, shared_digits());
  counts[threadIdx.x * gridDim.x + blockIdx.x] = shared_digits()[threadIdx.x];
}

/// A warp for each digit.
__global__ void __launch_bounds__(kBlockThreads) add_up_digits_kernel(uint32_t* counts, int blocks) {
  const int digit = blockIdx.x * kBlockWarps + threadIdx.x / 32, lane = threadIdx.x % 32;
  uint32_t* own = counts + digit * blocks;
  uint32_t before = 0;
  for (int first = 0; first < blocks; first += 32) {
    const int block = first + lane;
    const uint32_t there = block < blocks ? own[block] : 0;
    uint32_t through = there;
    for (int distance = 1; distance < 32; distance *= 2) {
      const uint32_t other = __shfl_up_sync(~0u, through, distance);
      if (lane >= distance) through += other;
    }
    if (block < blocks) own[block] = before + through - there;
    before += __shfl_sync(~0u, through, 31);
  }
  if (lane == 0) counts[kDigits * blocks + digit] = before;
}

__global__ void __launch_bounds__(kBlockThreads)
    place_pairs_kernel(Pairs from, Pairs to, uint32_t count, int shift, const uint32_t* counts) {
  Together together;
  uint32_t all;
  const uint32_t smaller = together.sum_before(counts[kDigits * gridDim.x + threadIdx.x], &all);
  shared_digits()[threadIdx.x] = smaller + counts[threadIdx.x * gridDim.x + blockIdx.x];
  place_pairs(from, to, count, shift, shared_digits());
}

/// One block, all digits.
__global__ void __launch_bounds__(kBlockThreads) sort_few_kernel(Pairs from, Pairs to, uint32_t count, int bits) {
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    count_digits(from.keys, count, shift, shared_digits());
    Together together;
    uint32_t all;
    const uint32_t smaller = together.sum_before(shared_digits()[threadIdx.x], &all);
    shared_digits()[threadIdx.x] = smaller;
    place_pairs(from, to, count, shift, shared_digits());
    const Pairs sorted = to;
    to = from;
    from = sorted;
  }
}

}  // namespace in_sort

void sort_pairs(Sequence& sequence, Pairs* pairs, Pairs* other, uint32_t count, int bits, uint32_t* counts) {
  const int blocks = sequence.blocks_for(count);
  const bool few = count <= sequence.probe.one_block_items;
  if (few) sequence.run(sort_few_kernel, 1, kPlaceBytes, *pairs, *other, count, bits);
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    if (!few) {
      sequence.run(count_digits_kernel, blocks, kPlaceBytes, pairs->keys, count, shift, counts);
      sequence.run(add_up_digits_kernel, kDigits / kBlockWarps, 0, counts, blocks);
      sequence.run(place_pairs_kernel, blocks, kPlaceBytes, *pairs, *other, count, shift, counts);
    }
    std::swap(*pairs, *other);
  }
}

}  // namespace cutloss::cuda
