// What the kernels of the regions engine are given, what they leave behind, and their launchers. First the moments:
// each block leaves its sums, which a small kernel adds up in the order of the blocks. The host judges them
// (engine/region_losses.h). Then the gradient, which needs no more of the other pixels than the slopes. Losses that
// look at whole planes have those made and judged in between (cuda/planes).
#pragma once

#include <cuda_runtime.h>

#include "cuda/regions/tiling.h"
#include "engine/region_losses.h"
#include "engine/region_planes.h"
#include "math/regions/prediction.h"

namespace cutloss::cuda {

/// Terms of the pixels that a thread, a block or an image has added up. Behind the sums of its classes, a row of sums
/// has these.
inline constexpr int kPixelSums = 3;
static_assert(sizeof(PixelSums) == kPixelSums * sizeof(double));

/// How kernels differ. Plain is the usual case, class ids with plain sums of a softmax, and keeps its planes in shared
/// memory, so that nothing of what the others may need costs it registers.
enum class RegionPath { kPlainSoftmax, kSoftmax, kEach };

struct RegionPass {
  static constexpr unsigned long long kNoPixel = ~0ull;

  RegionsRequest request;  // its large views name memory of this GPU
  RegionShape shape;
  RegionTiling tiling;
  Activation activation;
  bool plain;  // class ids, and a loss of plain sums of predictions as they are
  bool terms;  // of the pixels
  math::RegionTransform transform;
  float transform_parameter;
  math::FocalOptions focal;
  uint32_t class_reciprocal;  // 2^32 / classes, rounded up

  std::byte* workspace;           // [blocks, tiling.workspace_bytes]
  double* sums;                   // [tiling.sum_rows, sum_row_size()]
  math::RegionMoments* cells;     // [images, classes], where merged
  PixelSums* images;              // [images]
  unsigned long long* first_bad;  // the first pixel whose class id is none, or kNoPixel

  const CellSlopes* slopes;     // [images, classes]
  const PixelFactors* factors;  // [images]

  RegionPlanes planes;  // of a loss that needs them: predictions, and for the gradient the slopes by them per weight
  bool differences;     // predictions minus labels instead; of the sign bit 1 where a pixel is of the class

  RegionPath gradient_path() const {
    if (activation != Activation::kSoftmax) return RegionPath::kEach;
    return plain && !tiling.in_workspace() ? RegionPath::kPlainSoftmax : RegionPath::kSoftmax;
  }
  RegionPath moment_path() const {
    const bool more_sums = shape.class_sums == kMostClassSums;
    return more_sums && activation == Activation::kSoftmax ? RegionPath::kSoftmax : gradient_path();
  }

  CUTLOSS_HD int64_t sum_row_size() const { return shape.class_sums * shape.classes + kPixelSums; }
  CUTLOSS_HD int64_t image_row(int64_t image) const { return shape.tells_images_apart ? image : 0; }
  CUTLOSS_HD int64_t images_told_apart() const { return shape.tells_images_apart ? shape.batch : 1; }
};

/// Only whether every class id is one.
cudaError_t launch_region_targets(const RegionPass& pass, cudaStream_t stream);

/// Leaves pass.sums and pass.first_bad.
cudaError_t launch_region_moments(const RegionPass& pass, cudaStream_t stream);

/// From pass.sums to pass.cells and pass.images.
cudaError_t launch_region_merge(const RegionPass& pass, cudaStream_t stream);

/// Leaves pass.planes.
cudaError_t launch_region_planes(const RegionPass& pass, cudaStream_t stream);

cudaError_t launch_region_gradient(const RegionPass& pass, cudaStream_t stream);

}  // namespace cutloss::cuda
