// What happens to planes between the two passes of a loss that needs them: sums of every region, and after the losses
// of all regions are known, the slopes by the predictions, which take the predictions' place. The planes and what the
// loss itself works in are asked for once.
#pragma once

#include "cuda/planes/cl_dice.h"
#include "cuda/planes/lovasz.h"
#include "cuda/planes/skeleton_recall.h"

namespace cutloss::cuda {

class PlanePass {
 public:
  PlanePass(Device& device, Cancel& cancel)
      : device_(device), sequence_(device, cancel, probe_, "compute a loss of planes"), cancel_(cancel) {}

  /// Views of the request name memory of the GPU; it stays where it is until the end.
  Status open(const RegionsRequest& request) noexcept;

  /// Where a kernel puts the planes; none where no pixel belongs to a region.
  const RegionPlanes& planes() const { return planes_; }

  /// To memory of the host, and from it; [regions] both.
  Status forward(math::PlaneSums* regions) noexcept;
  Status backward(const math::PlaneSums* slopes) noexcept;

 private:
  size_t lay_out(void* memory);
  bool is(math::PlaneLoss kind) const { return kind_ == kind; }
  int64_t units() const { return is(math::PlaneLoss::kLovasz) ? planes_.region_count : planes_.lines(); }

  Device& device_;
  SequenceProbe probe_;
  Sequence sequence_;
  Cancel& cancel_;
  math::PlaneLoss kind_ = math::PlaneLoss::kNone;
  const RegionsRequest* r_ = nullptr;
  RegionPlanes planes_;
  Scratch scratch_;
  PlaneParts parts_ = {};
  math::PlaneSums* sums_ = nullptr;  // [regions], later slopes by them
  LovaszRoom lovasz_ = {};
  SkeletonRoom skeletons_ = {};
  ClDiceRoom cl_dice_ = {};
};

}  // namespace cutloss::cuda
