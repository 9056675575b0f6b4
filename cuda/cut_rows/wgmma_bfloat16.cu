// The wgmma kernels for bfloat16. A file for each storage type, so that a change compiles a part, and two at once.
#include "cuda/cut_rows/wgmma_logits.h"
#include "cuda/cut_rows/wgmma_product.h"

namespace cutloss::cuda {

template cudaError_t start_wgmma_statistics<BFloat16>(const CutPass&, cudaStream_t);
template cudaError_t start_wgmma_gradient<BFloat16>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_wgmma_product<BFloat16, true>(const CutPass&, const CutChunk&, cudaStream_t);
template cudaError_t start_wgmma_product<BFloat16, false>(const CutPass&, const CutChunk&, cudaStream_t);

}  // namespace cutloss::cuda
