// Skeleton recall: each image's labels together are thinned to a skeleton (math/regions/thinning.h), which is widened
// to a tube; what of it a class's labels have is what its predictions should cover.
#pragma once

#include "cuda/cutter.h"
#include "cuda/planes/parts.h"

namespace cutloss::cuda {

/// A mask with a border around it, so that every pixel has all neighbours.
struct MaskShape {
  uint32_t depth, height, width;
  bool flat;  // 2-D, without a border in front and behind

  explicit MaskShape(const RegionsRequest& r)
      : depth(static_cast<uint32_t>(std::max<int64_t>(1, r.depth))),
        height(static_cast<uint32_t>(r.height)),
        width(static_cast<uint32_t>(r.width)),
        flat(r.depth == 0) {}

  CUTLOSS_HD int64_t pixels() const { return int64_t{depth} * height * width; }
  CUTLOSS_HD int64_t row() const { return int64_t{width} + 2; }
  CUTLOSS_HD int64_t slice() const { return row() * (int64_t{height} + 2); }
  CUTLOSS_HD int64_t size() const { return slice() * (flat ? 1 : int64_t{depth} + 2); }
  CUTLOSS_HD int64_t at(uint32_t pixel) const {
    const uint32_t line = pixel / width, z = line / height, y = line - z * height, x = pixel - line * width;
    return (int64_t{z} + (flat ? 0 : 1)) * slice() + (int64_t{y} + 1) * row() + x + 1;
  }
};

/// How far an image is, known to the GPU alone.
struct ThinningState {
  int step;              // of a round, which takes pixels from one side
  int quiet;             // steps one after the other that took nothing
  bool taking;           // what is marked is being taken
  bool done;             // a whole round was quiet
  unsigned left, taken;  // marked pixels whose lot is open; whether any went in this step
  unsigned blocks;       // that are through with the launch
};

struct SkeletonRoom {
  uint8_t *mask, *other;  // [batch, MaskShape.size()]
  ThinningState* images;  // [batch]
  unsigned* done;         // how many images are

  static SkeletonRoom cut(Cutter* cutter, int64_t batch, const MaskShape& shape);
};

/// Leaves the sums of all lines, and in place of the labels what they have of the tube.
Status skeleton_recall_forward(Sequence& sequence, const RegionPlanes& planes, const MaskShape& shape, int64_t radius,
                               SkeletonRoom room, const PlaneParts& parts, int multiprocessors) noexcept;
/// Leaves slopes in place of the predictions.
void skeleton_recall_backward(Sequence& sequence, const RegionPlanes& planes, const PlaneParts& parts,
                              const math::PlaneSums* slopes);

}  // namespace cutloss::cuda
