// Planes of predictions in float32, for the losses that look at them whole.
#include "cuda/regions/plane_kernel.h"

namespace cutloss::cuda {

template cudaError_t start_region_planes<float>(const RegionPass&, cudaStream_t);

}  // namespace cutloss::cuda
