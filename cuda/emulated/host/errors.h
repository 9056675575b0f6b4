// How the emulated runtime API returns: an error is also remembered, for cudaGetLastError.
#pragma once
#include "cuda/emulated/host/api.h"

namespace cutloss::emulated {

cudaError_t remember(cudaError_t error);

}  // namespace cutloss::emulated
