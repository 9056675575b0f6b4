// Between the two passes: from the sums of every image and class to the loss, and to the slopes by which the second
// pass turns pixels into gradients. Scalar work in double on the host, the same for every engine.
#pragma once

#include <memory>

#include "engine/regions.h"
#include "math/regions/prediction.h"

namespace cutloss {

/// Terms of single pixels, added up over an image.
struct PixelSums {
  double cross_entropy;  // sum m (-log p)
  double focal;
  double weight;  // sum m

  void add(const PixelSums& o) { cross_entropy += o.cross_entropy, focal += o.focal, weight += o.weight; }
};

/// What the first pass leaves. Images are told apart only where regions are.
struct RegionSums {
  std::unique_ptr<math::RegionMoments[]> cells;  // [images, classes]
  std::unique_ptr<PixelSums[]> images;           // [images]
  std::unique_ptr<math::PlaneSums[]> planes;     // [regions], for a loss of planes
  int64_t image_count = 0;

  /// Zeroes for the request.
  Status allocate(const RegionsRequest& request) noexcept;
};

/// What the second pass needs: dL/dq = m (a y + b + 2 c q + d [q < y]) with the slopes of the pixel's image and
/// class, and the factors of the pixels' own terms.
struct CellSlopes {
  float a, b, c, d;
};
struct PixelFactors {
  float cross_entropy, focal;
};

/// What a request says of its focal term.
CUTLOSS_HD math::FocalOptions focal_options(const RegionsRequest& r) {
  return {r.focal != 0,
          float(r.focal_positive),
          float(r.focal_negative),
          float(r.focal_gamma_positive),
          float(r.focal_gamma_negative),
          float(r.focal_margin)};
}

struct RegionSlopeTable {
  std::unique_ptr<CellSlopes[]> cells;        // [images, classes]
  std::unique_ptr<PixelFactors[]> images;     // [images]
  std::unique_ptr<math::PlaneSums[]> planes;  // [regions], dL by what the planes add up to
};

/// Which row of the tables an image has.
inline int64_t image_row(const RegionsRequest& request, int64_t image) { return request.by_image() ? image : 0; }

/// Fills the request's loss, regions, per_item and moments (those two in memory of the host), and the slopes unless
/// `slopes` is null. Where moments are given, `sums` are not read.
Status judge_regions(RegionsRequest& request, const RegionSums& sums, RegionSlopeTable* slopes) noexcept;

}  // namespace cutloss
