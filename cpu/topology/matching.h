// Betti matching (Stucki et al. 2023) of one pair of fields: which bars of both belong together. The comparison is at
// each voxel whichever of both is earlier, so each field's features map into its own; a bar of either is matched with
// the other's if the same lasting bar of the comparison has both as its images.
#pragma once

#include "cpu/thread_pool.h"
#include "cpu/topology/bars.h"
#include "cpu/topology/filtration.h"

namespace cutloss::cpu {

/// One dimension: bars of both fields, and of each bar the number of its partner, or kNone.
struct DimensionMatching {
  Bars bars[2];
  Buffer<uint32_t> partner[2];
};

template <int kAxes>
struct Matching {
  Filtration<kAxes> fields[2];  // as long as the bars' values are wanted
  DimensionMatching dimensions[kAxes];
};

template <int kAxes>
Status match_item(const MatchingRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel,
                  Matching<kAxes>* matching);

}  // namespace cutloss::cpu
