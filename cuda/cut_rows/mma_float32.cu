// The mma.sync kernels for float32. A file for each storage type, so that a change compiles a part, and two at once.
#include "cuda/cut_rows/mma_kernels.h"

namespace cutloss::cuda {

template cudaError_t start_mma_statistics<float>(const CutPass&, cudaStream_t);
template cudaError_t start_mma_gradient<float>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_stored_gradient<float>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<float, true>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<float, false>(const CutPass&, const CutChunk&, cudaStream_t);

}  // namespace cutloss::cuda
