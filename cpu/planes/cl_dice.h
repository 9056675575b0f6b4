// soft-clDice from planes of predictions and labels: the sums of both skeletons, and slopes by the predictions. Lines
// of pixels are worked on side by side, each in a room of its own, and their sums added in order.
#pragma once

#include "cpu/planes/planes.h"
#include "cpu/planes/rooms.h"

namespace cutloss::cpu {

Rooms cl_dice_rooms(const Planes& planes, const ThreadPool& pool) noexcept;

/// Leaves each region's sums.
Status cl_dice_forward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                       math::PlaneSums* regions) noexcept;
/// Leaves slopes in place of the predictions.
Status cl_dice_backward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                        const math::PlaneSums* slopes) noexcept;

}  // namespace cutloss::cpu
