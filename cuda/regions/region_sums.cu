// What goes with the pass over the moments: class ids checked where moments are given and none are taken, and the sums
// that the blocks left added up, in the order of the blocks.
#include "cuda/launch.h"
#include "cuda/ptx/memory.h"
#include "cuda/regions/region_pass.h"
#include "engine/region_targets.h"

namespace cutloss::cuda {
inline namespace in_region_sums {

constexpr int kWarp = 32;
constexpr int kMergeThreads = 256, kMergeParts = kMergeThreads / kWarp;

__global__ void __launch_bounds__(kRegionThreads) region_targets_kernel(const RegionPass pass) {
  const RegionTargets targets(pass.request);
  const int64_t pixels = pass.shape.batch * pass.shape.pixels, stride = int64_t{gridDim.x} * kRegionThreads;
  for (int64_t pixel = int64_t{blockIdx.x} * kRegionThreads + threadIdx.x; pixel < pixels; pixel += stride) {
    if (targets.id(pixel) != RegionTargets::kBad) continue;
    atomicMin(pass.first_bad, static_cast<unsigned long long>(pixel));
    break;  // the thread's later pixels come later
  }
}

/// Sum k of class c where it belongs in the moments. n is the same for every class.
__device__ void put(math::RegionMoments* cell, int k, double sum) {
  switch (k) {
    case 0: cell->intersection = sum; break;
    case 1: cell->predictions = sum; break;
    case 2: cell->targets = sum; break;
    case 3: cell->predictions_squared = sum; break;
    case 4: cell->targets_squared = sum; break;
    default: cell->least = sum; break;
  }
}

/// A block takes a warp's width of an image's sums, each warp every kMergeParts-th row of them.
__global__ void __launch_bounds__(kMergeThreads) region_merge_kernel(const RegionPass pass) {
  const int64_t width = pass.sum_row_size(), blocks_of_image = (width + kWarp - 1) / kWarp;
  const int64_t rows = pass.tiling.sum_rows_of_image(pass.shape), units = pass.images_told_apart() * blocks_of_image;
  const int lane = threadIdx.x % kWarp, part = threadIdx.x / kWarp;
  double* of_parts = ptx::shared_arena<double>();
  for (int64_t unit = blockIdx.x; unit < units; unit += gridDim.x) {
    const int64_t image = unit / blocks_of_image, at = unit % blocks_of_image * kWarp + lane;
    const double* sums = pass.sums + image * rows * width + at;
    double sum = 0;
    for (int64_t row = part; at < width && row < rows; row += kMergeParts) sum += sums[row * width];
    of_parts[threadIdx.x] = sum;
    __syncthreads();
    if (part == 0 && at < width) {
      for (int other = 1; other < kMergeParts; ++other) sum += of_parts[other * kWarp + lane];
      const int64_t of_pixels = at - pass.shape.class_sums * pass.shape.classes;
      if (of_pixels >= 0) {
        reinterpret_cast<double*>(pass.images + image)[of_pixels] = sum;
      } else {
        put(pass.cells + image * pass.shape.classes + at % pass.shape.classes,
            static_cast<int>(at / pass.shape.classes), sum);
      }
    }
    __syncthreads();
  }
}

int blocks_for(int64_t wanted) {
  constexpr int64_t kMostBlocks = 4096;
  return static_cast<int>(wanted < 1 ? 1 : wanted < kMostBlocks ? wanted : kMostBlocks);
}

}  // namespace in_region_sums

cudaError_t launch_region_targets(const RegionPass& pass, cudaStream_t stream) {
  const int64_t pixels = pass.shape.batch * pass.shape.pixels;
  return launch(region_targets_kernel, blocks_for(pixels / (4 * kRegionThreads)), kRegionThreads, 0, stream, pass);
}

cudaError_t launch_region_merge(const RegionPass& pass, cudaStream_t stream) {
  const int64_t blocks = pass.images_told_apart() * ((pass.sum_row_size() + kWarp - 1) / kWarp);
  return launch(region_merge_kernel, blocks_for(blocks), kMergeThreads, kMergeThreads * sizeof(double), stream, pass);
}

}  // namespace cutloss::cuda
