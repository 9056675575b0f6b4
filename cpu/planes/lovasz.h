// The Lovász loss of every region from planes of differences: elements sorted by their size, descending, and each given
// the slope that its place has (math/regions/lovasz.h).
#pragma once

#include "cpu/planes/planes.h"
#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

/// Elements of a region are numbered in 32 bits while they are sorted.
Status expect_lovasz_fits(const Planes& planes) noexcept;
int64_t lovasz_workspace(const Planes& planes) noexcept;

/// Leaves each region's loss, and in place of the differences its slopes by the predictions, per weight.
Status lovasz_forward(const Planes& planes, void* workspace, ThreadPool& pool, Cancel& cancel,
                      math::PlaneSums* regions) noexcept;
/// Times dL/dloss of the region.
Status lovasz_backward(const Planes& planes, ThreadPool& pool, Cancel& cancel, const math::PlaneSums* slopes) noexcept;

}  // namespace cutloss::cpu
