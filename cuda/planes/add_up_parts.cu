#include "cuda/planes/slice.h"

namespace cutloss::cuda {
inline namespace in_add_up_parts {

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    add_up_parts_kernel(const math::PlaneSums* parts, int64_t parts_of_region, int64_t regions, math::PlaneSums* sums) {
  const int64_t stride = int64_t{gridDim.x} * kBlockThreads;
  for (int64_t region = int64_t{blockIdx.x} * kBlockThreads + threadIdx.x; region < regions; region += stride) {
    math::PlaneSums all = {};
    for (int64_t k = 0; k < parts_of_region; ++k) all.add(parts[region * parts_of_region + k], 1);
    sums[region] = all;
  }
}

}  // namespace in_add_up_parts

void add_up_parts(Sequence& sequence, const PlaneParts& parts, int64_t units, int64_t regions, math::PlaneSums* sums) {
  sequence.run(add_up_parts_kernel, sequence.blocks_for(regions), 0, parts.sums, units * parts.slices / regions,
               regions, sums);
}

}  // namespace cutloss::cuda
