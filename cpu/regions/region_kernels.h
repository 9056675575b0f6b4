// What a SIMD level gives to the regions engine: for each storage type, the two sweeps over a stretch of an image's
// pixels, and between them a third for losses that look at whole planes. A stretch goes tile by tile, and a tile stays
// in the cache from logits to moments, or to gradient.
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

  /// Whether it pays to describe how pixels lie in rows, which costs as much as some vectors of them.
  bool worth_rows() const { return last - first >= 128; }
};

/// What a stretch adds up. `bad` is the first pixel, over all images, whose class id is none, or -1.
struct StretchSums {
  math::RegionMoments* cells;  // [classes], zeroed
  PixelSums pixels = {};
  int64_t bad = -1;
};

/// Planes of an image: for each class that counts a line of all pixels. None where `first` is null.
struct PlaneLines {
  float* first = nullptr;
  int64_t stride = 0;

  float* of(int64_t region_class) const { return first + region_class * stride; }
};

/// What a sweep leaves of a stretch's image. `differences`: predictions minus labels, of the sign bit 1 where a pixel
/// is of the class.
struct StretchPlanes {
  PlaneLines predictions, labels;
  float* weights = nullptr;  // [pixels]
  bool differences = false;
};

/// The slopes of a stretch's image, and whether the gradient is written past the caches.
struct StretchSlopes {
  const CellSlopes* cells;  // [classes]
  PixelFactors pixels;
  bool stream;
  PlaneLines planes = {};  // added to dL/dp / m
};

struct RegionSweeps {
  void (*moments)(const RegionStretch& stretch, StretchSums* sums);
  void (*planes)(const RegionStretch& stretch, const StretchPlanes& planes);
  void (*gradient)(const RegionStretch& stretch, const StretchSlopes& slopes);
};

struct RegionKernels {
  RegionSweeps by_dtype[3];  // of predictions: float32, float16, bfloat16
};

}  // namespace cutloss::cpu
