// The loss of rows and its gradient of bfloat16 logits. A file for each pass and storage type, so that a change
// compiles a kernel, not all of them, and two at once.
#include "cuda/rows/row_kernels.h"

namespace cutloss::cuda {

template cudaError_t start_row_gradient<BFloat16>(const RowPass&, cudaStream_t);

}  // namespace cutloss::cuda
