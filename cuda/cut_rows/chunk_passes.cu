// The small passes around a chunk: the bias as floats, its gradient (the sums of dz over the rows, in double), and how
// much the filter kept.
#include "cuda/cut_rows/cut_pass.h"
#include "cuda/cut_rows/product_epilogue.h"
#include "cuda/cut_rows/view_access.h"
#include "cuda/launch.h"
#include "cuda/rows/team.h"

namespace cutloss::cuda {
inline namespace in_chunk_passes {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

__global__ void __launch_bounds__(kThreads) widen_bias_kernel(const CutPass pass, float* bias) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < pass.request.classes) {
    bias[at] = widen_at(pass.request.bias, pass.class_at(at));
  }
}

/// A block sums the dz of one class per lane; its warps share the rows.
template <class T>
__global__ void __launch_bounds__(kThreads) bias_gradient_kernel(const CutPass pass, const CutChunk chunk) {
  const CutRowsRequest& r = pass.request;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int64_t column = int64_t{blockIdx.x} * kWarp + lane;
  double sum = 0;
  if (column < chunk.width) {
    for (int64_t row = warp; row < r.rows; row += kWarps) {
      sum += math::widen(static_cast<const T*>(chunk.dz)[row * chunk.stride + column]);
    }
  }
  double* of_warps = ptx::shared_arena<double>();
  of_warps[threadIdx.x] = sum;
  __syncthreads();
  if (warp > 0 || column >= chunk.width) return;
  for (int w = 1; w < kWarps; ++w) sum += of_warps[w * kWarp + lane];
  sum /= chunk.gradient_scale;
  const int64_t tile = (chunk.begin + column) / kCutRows;
  for (int32_t i = chunk.tile_begin[tile]; i < chunk.tile_begin[tile + 1]; ++i) {
    const CutRow& aims = pass.rows[chunk.same_tile[i]];
    if (aims.target == chunk.begin + column) sum += aims.target_slope;
  }
  narrow_to(r.bias_gradient, pass.class_at(chunk.begin + column), static_cast<float>(sum));
}

/// Nothing times infinity would be not-a-number in a product.
__global__ void __launch_bounds__(kThreads) clean_hidden_kernel(const CutPass pass, uint16_t* to) {
  const CutRowsRequest& r = pass.request;
  const int64_t halves = r.dim * static_cast<int64_t>(element_size(r.hidden.dtype)) / 2;
  for (int64_t row = blockIdx.x; row < r.rows; row += gridDim.x) {
    const uint16_t* from = r.hidden.as<const uint16_t>() + row * halves;
    const bool used = pass.rows[row].live || pass.rows[row].labels != 0;
    for (int64_t i = threadIdx.x; i < halves; i += kThreads) to[row * halves + i] = used ? from[i] : 0;
  }
}

__global__ void __launch_bounds__(kThreads)
    count_kept_kernel(const CutPass pass, const CutChunk chunk, int64_t* total) {
  const int64_t row_pieces = divide_up(pass.request.rows, kPieceRows);
  const int64_t groups = divide_up(chunk.width, kPieceClasses);
  int64_t kept = 0;
  for (int64_t group = blockIdx.x; group < groups; group += kCountBlocks) {
    for (int64_t i = threadIdx.x; i < row_pieces; i += kThreads) kept += chunk.kept[group * chunk.kept_stride + i];
  }
  Team block(kThreads);
  kept = block.reduce(kept, [](int64_t a, int64_t b) { return a + b; });
  if (threadIdx.x == 0) total[blockIdx.x] = (chunk.first ? 0 : total[blockIdx.x]) + kept;
}

template <class T>
cudaError_t start_bias_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  return launch(bias_gradient_kernel<T>, static_cast<int>(divide_up(chunk.width, kWarp)), kThreads,
                kThreads * sizeof(double), stream, pass, chunk);
}

}  // namespace in_chunk_passes

cudaError_t launch_widen_bias(const CutPass& pass, float* bias, cudaStream_t stream) {
  return launch(widen_bias_kernel, static_cast<int>(divide_up(pass.request.classes, kThreads)), kThreads, 0, stream,
                pass, bias);
}

cudaError_t launch_clean_hidden(const CutPass& pass, void* to, cudaStream_t stream) {
  return launch(clean_hidden_kernel, static_cast<int>(std::min<int64_t>(pass.request.rows, 4096)), kThreads, 0, stream,
                pass, static_cast<uint16_t*>(to));
}

cudaError_t launch_bias_gradient(const CutPass& pass, const CutChunk& chunk, cudaStream_t stream) {
  switch (pass.request.hidden.dtype) {
    case DType::kFloat16: return start_bias_gradient<Half>(pass, chunk, stream);
    case DType::kBFloat16: return start_bias_gradient<BFloat16>(pass, chunk, stream);
    default: return start_bias_gradient<float>(pass, chunk, stream);
  }
}

cudaError_t launch_count_kept(const CutPass& pass, const CutChunk& chunk, int64_t* total, cudaStream_t stream) {
  return launch(count_kept_kernel, kCountBlocks, kThreads, Team::kSharedBytes, stream, pass, chunk, total);
}

}  // namespace cutloss::cuda
