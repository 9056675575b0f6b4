// The mma.sync kernels for bfloat16. A file for each storage type, so that a change compiles a part, and two at once.
#include "cuda/cut_rows/mma_kernels.h"

namespace cutloss::cuda {

template cudaError_t start_mma_statistics<BFloat16>(const CutPass&, cudaStream_t);
template cudaError_t start_mma_gradient<BFloat16>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_stored_gradient<BFloat16>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<BFloat16, true>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<BFloat16, false>(const CutPass&, const CutChunk&, cudaStream_t);

}  // namespace cutloss::cuda
