// Betti numbers of masks. In a field of two values every bar is one component or hole of the mask, so they are counted
// by the passes of persistence; loops in 3-D follow from Euler's formula without their reduction.
#pragma once

#include "engine/engine.h"

namespace cutloss::cpu {

/// Writes one item's numbers, [axes].
template <int kAxes>
Status betti_numbers(const BettiNumbersRequest& request, int64_t item, Cancel& cancel, int32_t* numbers);

}  // namespace cutloss::cpu
