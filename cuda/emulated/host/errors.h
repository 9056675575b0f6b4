// How the emulated runtime API returns: an error is also remembered, for cudaGetLastError. And how a device is lost: as
// after an illegal address, every call of the process fails from then on.
#pragma once
#include "cuda/emulated/host/api.h"

namespace cutloss::emulated {

cudaError_t remember(cudaError_t error);

/// The device is lost at the n-th call from now; at the start CUTLOSS_EMULATED_LOST_AFTER says when, if ever.
void lose_device_after(long calls);

}  // namespace cutloss::emulated
