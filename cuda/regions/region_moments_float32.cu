// Moments of predictions in float32. A file for each pass and storage type, so that a change compiles a kernel, not all
// of them, and two at once.
#include "cuda/regions/moment_kernel.h"

namespace cutloss::cuda {

template cudaError_t start_region_moments<float>(const RegionPass&, cudaStream_t);

}  // namespace cutloss::cuda
