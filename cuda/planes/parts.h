// How the work on planes is cut on a GPU: each line of pixels, image or region is a unit of elements that several
// blocks may share, each a slice of it. What slices add up to is added up in their order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/parallel/sequence.h"
#include "engine/region_planes.h"

namespace cutloss::cuda {

inline constexpr uint32_t kElementsPerSlice = 1024;
inline constexpr int kResidentPlaneBlocks = 4;  // of a multiprocessor: for more of them the compiler would spill

/// Slices of each unit.
constexpr int slices_of(int64_t units, int64_t elements, int multiprocessors) {
  const int64_t all =
      tile_items(static_cast<uint64_t>(units) * static_cast<uint64_t>(elements), kElementsPerSlice, multiprocessors);
  const int64_t most = std::max<int64_t>(1, elements / kElementsPerSlice);
  return static_cast<int>(std::clamp<int64_t>(all / std::max<int64_t>(1, units), 1, most));
}

/// What each slice leaves of the sums of its region.
struct PlaneParts {
  math::PlaneSums* sums;  // [units, slices]
  int slices;
};

/// Adds up the parts of every region.
void add_up_parts(Sequence& sequence, const PlaneParts& parts, int64_t units, int64_t regions, math::PlaneSums* sums);

}  // namespace cutloss::cuda
