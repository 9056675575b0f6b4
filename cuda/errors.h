// From the runtime's errors to the contract's: a code and a sentence that says what was being done.
#pragma once

#include <cuda_runtime.h>

#include "engine/status.h"

namespace cutloss::cuda {

/// `doing` completes "CUDA could not ...".
inline Status cuda_failure(cudaError_t error, const char* doing) {
  const Code code = error == cudaErrorMemoryAllocation ? Code::kMemory : Code::kCuda;
  return failure(code, "CUDA could not %s: %s (%s)", doing, cudaGetErrorString(error), cudaGetErrorName(error));
}

}  // namespace cutloss::cuda
