// How the work on planes is cut on a GPU: each line of pixels, image or region is a unit of elements that several
// blocks may share, each a slice of it. What slices add up to is added up in their order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/topology/block.h"
#include "cuda/topology/sequence.h"
#include "engine/region_planes.h"

namespace cutloss::cuda {

inline constexpr uint32_t kElementsPerSlice = 1024;
inline constexpr int kResidentPlaneBlocks = 4;  // of a multiprocessor: for more of them the compiler would spill

/// Slices of each unit.
constexpr int slices_of(int64_t units, int64_t elements, int multiprocessors) {
  const int64_t all =
      tile_topology(static_cast<uint64_t>(units) * static_cast<uint64_t>(elements), kElementsPerSlice, multiprocessors);
  const int64_t most = std::max<int64_t>(1, elements / kElementsPerSlice);
  return static_cast<int>(std::clamp<int64_t>(all / std::max<int64_t>(1, units), 1, most));
}

/// What a block has: a unit, and whole tiles of as many of its elements as there are threads.
struct Slice {
  int unit, number;
  int64_t begin, end;

  __device__ static Slice of_block(int64_t elements, int slices) {
    const int unit = blockIdx.x / slices, number = blockIdx.x - unit * slices;
    const int64_t tiles = (elements + kTopologyThreads - 1) / kTopologyThreads;
    const int64_t size = (tiles + slices - 1) / slices * kTopologyThreads;
    const int64_t begin = number * size, end = begin + size;
    return {unit, number, begin < elements ? begin : elements, end < elements ? end : elements};
  }

  /// visit(element) for those of a thread.
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
#pragma unroll 1
    for (int64_t i = begin + threadIdx.x; i < end; i += kTopologyThreads) visit(i);
  }
};

/// What each slice leaves of the sums of its region.
struct PlaneParts {
  math::PlaneSums* sums;  // [units, slices]
  int slices;

  /// Adds what the threads of a block have, all of them together.
  __device__ void add(int64_t unit, int number, const math::PlaneSums& of_thread, double weight) const {
    Together together;
    math::PlaneSums all;
    all.first = together.sum(of_thread.first);
    all.second = together.sum(of_thread.second);
    all.third = together.sum(of_thread.third);
    all.fourth = together.sum(of_thread.fourth);
    if (threadIdx.x == 0) sums[unit * slices + number].add(all, weight);
  }
};

/// Adds up the parts of every region.
void add_up_parts(Sequence& sequence, const PlaneParts& parts, int64_t units, int64_t regions, math::PlaneSums* sums);

}  // namespace cutloss::cuda
