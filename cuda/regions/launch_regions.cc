// From a pass to the kernel for its storage type. The kernels are compiled in files of their own.
#include "cuda/regions/region_pass.h"
#include "math/float16.h"

namespace cutloss::cuda {

template <class T>
cudaError_t start_region_moments(const RegionPass& pass, cudaStream_t stream);
template <class T>
cudaError_t start_region_planes(const RegionPass& pass, cudaStream_t stream);
template <class T>
cudaError_t start_region_gradient(const RegionPass& pass, cudaStream_t stream);

cudaError_t launch_region_moments(const RegionPass& pass, cudaStream_t stream) {
  switch (pass.request.predictions.dtype) {
    case DType::kFloat16: return start_region_moments<Half>(pass, stream);
    case DType::kBFloat16: return start_region_moments<BFloat16>(pass, stream);
    default: return start_region_moments<float>(pass, stream);
  }
}

cudaError_t launch_region_planes(const RegionPass& pass, cudaStream_t stream) {
  switch (pass.request.predictions.dtype) {
    case DType::kFloat16: return start_region_planes<Half>(pass, stream);
    case DType::kBFloat16: return start_region_planes<BFloat16>(pass, stream);
    default: return start_region_planes<float>(pass, stream);
  }
}

cudaError_t launch_region_gradient(const RegionPass& pass, cudaStream_t stream) {
  switch (pass.request.predictions.dtype) {
    case DType::kFloat16: return start_region_gradient<Half>(pass, stream);
    case DType::kBFloat16: return start_region_gradient<BFloat16>(pass, stream);
    default: return start_region_gradient<float>(pass, stream);
  }
}

}  // namespace cutloss::cuda
