// What a block of a kernel over planes works on.
#pragma once

#include "cuda/parallel/block.h"
#include "cuda/planes/parts.h"

namespace cutloss::cuda {

/// What a block has: a unit, and whole tiles of as many of its elements as there are threads.
struct Slice {
  int unit, number;
  int64_t begin, end;

  __device__ static Slice of_block(int64_t elements, int slices) {
    const int unit = blockIdx.x / slices, number = blockIdx.x - unit * slices;
    const int64_t tiles = (elements + kBlockThreads - 1) / kBlockThreads;
    const int64_t size = (tiles + slices - 1) / slices * kBlockThreads;
    const int64_t begin = number * size, end = begin + size;
    return {unit, number, begin < elements ? begin : elements, end < elements ? end : elements};
  }

  /// visit(element) for those of a thread.
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
#pragma unroll 1
    for (int64_t i = begin + threadIdx.x; i < end; i += kBlockThreads) visit(i);
  }
};

/// Adds what the threads of a block have to a slice's part, all of them together.
__device__ inline void add_part(const PlaneParts& parts, int64_t unit, int number, const math::PlaneSums& of_thread,
                                double weight) {
  Together together;
  math::PlaneSums all;
  all.first = together.sum(of_thread.first);
  all.second = together.sum(of_thread.second);
  all.third = together.sum(of_thread.third);
  all.fourth = together.sum(of_thread.fourth);
  if (threadIdx.x == 0) parts.sums[unit * parts.slices + number].add(all, weight);
}

}  // namespace cutloss::cuda
