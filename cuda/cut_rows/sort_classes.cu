#include "cuda/cut_rows/sort_classes.h"

#include "cuda/cut_rows/view_access.h"
#include "cuda/launch.h"
#include "cuda/parallel/sort.h"
#include "cuda/rows/team.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {
inline namespace in_sort_classes {

constexpr int kSortThreads = 256;
constexpr int kSortWarps = kSortThreads / kWarp;

/// A block takes one dimension per lane; its warps share the rows that count.
__global__ void __launch_bounds__(kSortThreads) mean_hidden_kernel(const CutPass pass, float* mean) {
  const CutRowsRequest& r = pass.request;
  const RowTargets targets(r);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int64_t column = int64_t{blockIdx.x} * kWarp + lane;
  float sum = 0;
  for (int64_t row = warp; row < r.rows; row += kSortWarps) {
    if (targets.id(row) >= 0 && column < r.dim) sum += widen_at(r.hidden, row * r.dim + column);
  }
  float* of_warps = ptx::shared_arena<float>();
  of_warps[threadIdx.x] = sum;
  __syncthreads();
  if (warp > 0 || column >= r.dim) return;
  for (int w = 1; w < kSortWarps; ++w) sum += of_warps[w * kWarp + lane];
  mean[column] = sum * pass.logit_formula.inverse_temperature / static_cast<float>(r.rows);
}

/// Ascending as numbers, the largest logit first; what is not a number comes last.
__device__ uint32_t key_of(float logit) {
  if (logit != logit) return UINT32_MAX;
  const uint32_t bits = __float_as_uint(logit + 0.f);
  return bits >> 31 ? bits : ~(bits | 0x80000000u);
}

/// A warp for each class.
__global__ void __launch_bounds__(kSortThreads)
    class_keys_kernel(const CutPass pass, const float* mean, uint32_t* keys, uint32_t* ids) {
  const CutRowsRequest& r = pass.request;
  const int lane = threadIdx.x % kWarp;
  const int64_t id = int64_t{blockIdx.x} * kSortWarps + threadIdx.x / kWarp;
  if (id >= r.classes) return;
  float sum = 0;
  for (int64_t i = lane; i < r.dim; i += kWarp) sum += mean[i] * widen_at(r.classifier, id * r.dim + i);
  for (int distance = kWarp / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
  if (lane > 0) return;
  keys[id] = key_of(sum + (r.bias ? widen_at(r.bias, id) : 0));
  ids[id] = static_cast<uint32_t>(id);
}

__global__ void __launch_bounds__(kSortThreads)
    place_classes_kernel(const CutPass pass, const SortedClasses to, const uint32_t* sorted) {
  const int64_t place = int64_t{blockIdx.x} * kSortThreads + threadIdx.x;
  if (place >= pass.request.classes) return;
  const int32_t id = static_cast<int32_t>(sorted[place]);
  to.order[place] = id;
  to.place_of[id] = static_cast<int32_t>(place);
  if (to.weights) to.weights[place] = pass.request.class_weights.as<const float>()[id];
}

/// A warp for each line, of `pieces` pieces.
template <class Piece>
__global__ void __launch_bounds__(kSortThreads)
    gather_lines_kernel(const Piece* from, const int32_t* order, int64_t lines, int64_t pieces, Piece* to) {
  const int64_t place = int64_t{blockIdx.x} * kSortWarps + threadIdx.x / kWarp;
  if (place >= lines) return;
  const Piece* line = from + order[place] * pieces;
  for (int64_t i = threadIdx.x % kWarp; i < pieces; i += kWarp) to[place * pieces + i] = line[i];
}

}  // namespace in_sort_classes

Status sort_classes(CutPass& pass, const SortedClasses& to, Device& device, Cancel& cancel) noexcept {
  CutRowsRequest& r = pass.request;
  const cudaStream_t stream = device.stream.handle();
  const auto check = [&](cudaError_t error) { return device.stream.check(error, "sort the vocabulary"); };
  const auto blocks = [](int64_t count, int64_t each) { return static_cast<int>(divide_up(count, each)); };
  CUTLOSS_TRY(check(launch(mean_hidden_kernel, blocks(r.dim, kWarp), kSortThreads, kSortThreads * sizeof(float), stream,
                           pass, to.mean)));
  CUTLOSS_TRY(check(launch(class_keys_kernel, blocks(r.classes, kSortWarps), kSortThreads, 0, stream, pass, to.mean,
                           to.pairs[0], to.pairs[1])));
  SequenceProbe probe;
  Sequence sequence(device, cancel, probe, "sort the vocabulary");
  Pairs pairs = {to.pairs[0], to.pairs[1]}, other = {to.pairs[2], to.pairs[3]};
  sort_pairs(sequence, &pairs, &other, static_cast<uint32_t>(r.classes), 32, to.counts);
  CUTLOSS_TRY(sequence.status());
  CUTLOSS_TRY(check(
      launch(place_classes_kernel, blocks(r.classes, kSortThreads), kSortThreads, 0, stream, pass, to, pairs.values)));

  const int64_t line = r.dim * static_cast<int64_t>(element_size(r.hidden.dtype));
  const auto gather = [&]<class Piece>(Piece) {
    return launch(gather_lines_kernel<Piece>, blocks(r.classes, kSortWarps), kSortThreads, 0, stream,
                  r.classifier.as<const Piece>(), to.order, r.classes, line / static_cast<int64_t>(sizeof(Piece)),
                  static_cast<Piece*>(to.classifier));
  };
  const bool whole = line % 16 == 0 && reinterpret_cast<uintptr_t>(r.classifier.data) % 16 == 0;
  CUTLOSS_TRY(check(whole ? gather(uint4{}) : gather(uint16_t{})));
  pass.order = to.order;
  pass.place_of = to.place_of;
  r.classifier.data = to.classifier;
  if (to.weights) pass.logit_formula.class_weights = to.weights;
  return {};
}

}  // namespace cutloss::cuda
