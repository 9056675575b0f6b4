// threadIdx, blockIdx, blockDim and gridDim of the thread that is running on this OS thread.
#pragma once
#include "cuda/emulated/language/types.h"

namespace cutloss::emulated {

struct Coordinates {
  uint3 thread_index{};
  uint3 block_index{};
  dim3 block_dim;
  dim3 grid_dim;
};

extern constinit thread_local const Coordinates* coordinates;

}  // namespace cutloss::emulated
