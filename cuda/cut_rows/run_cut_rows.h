// Losses on cut logits on a GPU: targets, statistics, rows, then the gradient by chunks of the vocabulary.
#pragma once

#include "cuda/device.h"
#include "engine/cut_rows.h"

namespace cutloss::cuda {

/// The stream's submission must be held.
Status run_cut_rows(CutRowsRequest& request, Device& device, Cancel& cancel) noexcept;

}  // namespace cutloss::cuda
