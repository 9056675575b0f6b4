// What a SIMD level gives to the regions engine: for each storage type, the two sweeps over a stretch of an image's
// pixels. A stretch goes tile by tile, and a tile stays in the cache from logits to moments, or to gradient.
#pragma once

#include "cpu/regions/tiling.h"
#include "engine/region_losses.h"

namespace cutloss::cpu {

struct RegionStretch {
  const RegionsRequest& request;
  RegionTiling tiling;
  int64_t image;
  int64_t first, last;  // pixels of the image
  void* scratch;        // tiling.scratch_bytes, aligned to a cache line
};

/// What a stretch adds up. `bad` is the first pixel, over all images, whose class id is none, or -1.
struct StretchSums {
  math::RegionMoments* cells;  // [classes], zeroed
  PixelSums pixels = {};
  int64_t bad = -1;
};

/// The slopes of a stretch's image, and whether the gradient is written past the caches.
struct StretchSlopes {
  const CellSlopes* cells;  // [classes]
  PixelFactors pixels;
  bool stream;
};

struct RegionSweeps {
  void (*moments)(const RegionStretch& stretch, StretchSums* sums);
  void (*gradient)(const RegionStretch& stretch, const StretchSlopes& slopes);
};

struct RegionKernels {
  RegionSweeps by_dtype[3];  // of predictions: float32, float16, bfloat16
};

}  // namespace cutloss::cpu
