// One element of a view on the GPU, in whatever type it is stored.
#pragma once

#include <cuda_runtime.h>

#include "engine/view.h"
#include "math/float16.h"

namespace cutloss::cuda {

__device__ __forceinline__ float widen_at(const View& view, int64_t at) {
  switch (view.dtype) {
    case DType::kFloat16: return math::widen(view.as<const Half>()[at]);
    case DType::kBFloat16: return math::widen(view.as<const BFloat16>()[at]);
    default: return view.as<const float>()[at];
  }
}

__device__ __forceinline__ void narrow_to(const View& view, int64_t at, float value) {
  switch (view.dtype) {
    case DType::kFloat16: return math::narrow(value, view.as<Half>() + at);
    case DType::kBFloat16: return math::narrow(value, view.as<BFloat16>() + at);
    default: return math::narrow(value, view.as<float>() + at);
  }
}

}  // namespace cutloss::cuda
