// From a pass to the kernel for its storage type. The kernels are compiled in files of their own.
#include "cuda/rows/row_pass.h"
#include "math/float16.h"

namespace cutloss::cuda {

template <class T>
cudaError_t start_row_statistics(const RowPass& pass, cudaStream_t stream);
template <class T>
cudaError_t start_row_gradient(const RowPass& pass, cudaStream_t stream);

cudaError_t launch_row_statistics(const RowPass& pass, cudaStream_t stream) {
  switch (pass.request.logits.dtype) {
    case DType::kFloat16: return start_row_statistics<Half>(pass, stream);
    case DType::kBFloat16: return start_row_statistics<BFloat16>(pass, stream);
    default: return start_row_statistics<float>(pass, stream);
  }
}

cudaError_t launch_row_gradient(const RowPass& pass, cudaStream_t stream) {
  switch (pass.request.logits.dtype) {
    case DType::kFloat16: return start_row_gradient<Half>(pass, stream);
    case DType::kBFloat16: return start_row_gradient<BFloat16>(pass, stream);
    default: return start_row_gradient<float>(pass, stream);
  }
}

}  // namespace cutloss::cuda
