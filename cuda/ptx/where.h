// The place of a call, for the emulator's reports. Wrappers take it as a defaulted last argument; on a GPU it is
// an empty type and costs nothing.
#pragma once

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/where.h"
#endif

namespace cutloss::cuda::ptx {

#ifdef CUTLOSS_EMULATED
using Where = emulated::Where;
#else
struct Where {
  __host__ __device__ static constexpr Where current() { return {}; }
};
#endif

}  // namespace cutloss::cuda::ptx
