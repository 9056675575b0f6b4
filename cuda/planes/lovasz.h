// The Lovász loss of every region from planes of differences (math/regions/lovasz.h). As many regions as make a few
// million elements are sorted at a time: all by the size of their differences, and then by their region.
#pragma once

#include "cuda/cutter.h"
#include "cuda/parallel/sort.h"
#include "cuda/planes/parts.h"
#include "math/regions/lovasz.h"

namespace cutloss::cuda {

struct LovaszRoom {
  int64_t regions;  // that are sorted together
  Pairs pairs, other;
  uint32_t* counts;
  math::JaccardSums* changes;  // [regions, slices]

  static int64_t together(const RegionPlanes& planes) {
    constexpr int64_t kMostElements = int64_t{1} << 22;  // unless a region alone has more
    return std::clamp<int64_t>(kMostElements / planes.region_size(), 1, planes.region_count);
  }
  static LovaszRoom cut(Cutter* cutter, const RegionPlanes& planes, int slices);
};

/// Elements are numbered in 32 bits while they are sorted.
Status expect_lovasz_fits(const RegionPlanes& planes) noexcept;

/// Leaves each region's loss, and in place of the differences its slopes by the predictions, per weight.
void lovasz_forward(Sequence& sequence, const RegionPlanes& planes, LovaszRoom room, const PlaneParts& parts);
/// Times dL/dloss of the region.
void lovasz_backward(Sequence& sequence, const RegionPlanes& planes, const PlaneParts& parts,
                     const math::PlaneSums* slopes);

}  // namespace cutloss::cuda
