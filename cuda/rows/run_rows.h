// The rows engine on a GPU: targets, then rows, then one short copy back.
#pragma once

#include "cuda/device.h"

namespace cutloss::cuda {

/// The stream's submission must be held.
Status run_rows(RowsRequest& request, Device& device, Cancel& cancel) noexcept;

}  // namespace cutloss::cuda
