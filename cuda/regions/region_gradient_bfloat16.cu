// The gradient of predictions in bfloat16. A file for each pass and storage type, so that a change compiles a kernel,
// not all of them, and two at once.
#include "cuda/regions/gradient_kernel.h"

namespace cutloss::cuda {

template cudaError_t start_region_gradient<BFloat16>(const RegionPass&, cudaStream_t);

}  // namespace cutloss::cuda
