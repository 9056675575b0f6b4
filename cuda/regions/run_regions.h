// Computes one request of regions on a GPU.
#pragma once

#include "cuda/device.h"

namespace cutloss::cuda {

Status run_regions(RegionsRequest& request, Device& device, Cancel& cancel) noexcept;

}  // namespace cutloss::cuda
