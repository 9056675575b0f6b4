// The planes of a request on the CPU, and what its losses leave of them.
#pragma once

#include "cpu/regions/region_kernels.h"
#include "engine/region_planes.h"

namespace cutloss::cpu {

struct Planes : RegionPlanes {
  explicit Planes(const RegionsRequest& request) : RegionPlanes(request), r(request) {}

  /// Lines of the image, in planes that begin at `first`.
  PlaneLines lines_of(float* first, int64_t image) const {
    return {first ? first + image * image_stride : nullptr, class_stride};
  }

  /// The sums of all lines to those of their regions.
  void add_up(math::PlaneSums* regions) const;

  const RegionsRequest& r;
  math::PlaneSums* sums = nullptr;  // [lines()]
};

inline void Planes::add_up(math::PlaneSums* regions) const {
  for (int64_t number = 0; number < lines(); ++number) {
    const PlaneLine line(*this, number);
    regions[line.region].add(sums[number], line.class_weight);
  }
}

inline constexpr int64_t kPlaneSlack = 64;  // floats after a plane, which whole vectors may read

}  // namespace cutloss::cpu
