// The loss of rows of float32 logits. A file for each pass and storage type, so that a change compiles a
// kernel, not all of them, and two at once.
#include "cuda/rows/row_kernels.h"

namespace cutloss::cuda {

template cudaError_t start_row_statistics<float>(const RowPass&, cudaStream_t);

}  // namespace cutloss::cuda
