// From a pass to the kernels for its path and storage type, which are compiled in files of their own.
#include "cuda/cut_rows/cut_pass.h"
#include "math/float16.h"

namespace cutloss::cuda {

template <class T>
cudaError_t start_mma_statistics(const CutPass& pass, cudaStream_t stream);
template <class T>
cudaError_t start_mma_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);
template <class T>
cudaError_t start_stored_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);
template <class T, bool kOfHidden>
cudaError_t start_mma_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);

template <class T>
cudaError_t start_wgmma_statistics(const CutPass& pass, cudaStream_t stream);
template <class T>
cudaError_t start_wgmma_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);
template <class T, bool kOfHidden>
cudaError_t start_wgmma_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream);

namespace {

/// start(T{}) for the type of hidden and classifier.
template <class Start>
cudaError_t for_type_of(const CutPass& pass, const Start& start) {
  switch (pass.request.hidden.dtype) {
    case DType::kFloat16: return start(Half{});
    case DType::kBFloat16: return start(BFloat16{});
    default: return start(float{});
  }
}

template <bool kOfHidden>
cudaError_t launch_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return for_type_of(pass, [&]<class T>(T) {
    if constexpr (sizeof(T) == 2) {
      if (pass.path == CutPath::kWgmma) return start_wgmma_product<T, kOfHidden>(pass, chunk, stream);
    }
    return start_mma_product<T, kOfHidden>(pass, chunk, stream);
  });
}

}  // namespace

cudaError_t launch_cut_statistics(const CutPass& pass, cudaStream_t stream) {
  return for_type_of(pass, [&]<class T>(T) {
    if constexpr (sizeof(T) == 2) {
      if (pass.path == CutPath::kWgmma) return start_wgmma_statistics<T>(pass, stream);
    }
    return start_mma_statistics<T>(pass, stream);
  });
}

cudaError_t launch_cut_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return for_type_of(pass, [&]<class T>(T) {
    if (pass.logits) return start_stored_gradient<T>(pass, chunk, stream);
    if constexpr (sizeof(T) == 2) {
      if (pass.path == CutPath::kWgmma) return start_wgmma_gradient<T>(pass, chunk, stream);
    }
    return start_mma_gradient<T>(pass, chunk, stream);
  });
}

cudaError_t launch_hidden_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return launch_product<true>(pass, chunk, stream);
}

cudaError_t launch_classifier_product(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return launch_product<false>(pass, chunk, stream);
}

}  // namespace cutloss::cuda
