// Skeleton recall (Kirchhoff et al. 2024) from planes of predictions and labels: the skeleton of what any class that
// counts covers, widened to a tube, and how much of each class's part of it the predictions find.
#pragma once

#include "cpu/planes/planes.h"
#include "cpu/planes/rooms.h"

namespace cutloss::cpu {

Rooms skeleton_recall_rooms(const Planes& planes, const ThreadPool& pool) noexcept;

/// Leaves each region's sums, and each class's part of the tube in place of its labels.
Status skeleton_recall_forward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                               math::PlaneSums* regions) noexcept;
/// Leaves slopes in place of the predictions.
Status skeleton_recall_backward(const Planes& planes, ThreadPool& pool, Cancel& cancel,
                                const math::PlaneSums* slopes) noexcept;

}  // namespace cutloss::cpu
