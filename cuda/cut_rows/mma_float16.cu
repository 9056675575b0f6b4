// The mma.sync kernels for float16. A file for each storage type, so that a change compiles a part, and two at once.
#include "cuda/cut_rows/mma_kernels.h"

namespace cutloss::cuda {

template cudaError_t start_mma_statistics<Half>(const CutPass&, cudaStream_t);
template cudaError_t start_mma_gradient<Half>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_stored_gradient<Half>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<Half, true>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_mma_product<Half, false>(const CutPass&, const CutChunk&, cudaStream_t);

}  // namespace cutloss::cuda
