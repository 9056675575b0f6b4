// What happens to planes between the two sweeps of a loss that needs them: sums of every region, and after the losses
// of all regions are known, the slopes by the predictions, which take the predictions' place.
#pragma once

#include "cpu/planes/planes.h"
#include "cpu/planes/rooms.h"

namespace cutloss::cpu {

class PlanePass {
 public:
  PlanePass(const RegionsRequest& request, ThreadPool& pool, Cancel& cancel)
      : r_(request),
        kind_(static_cast<math::PlaneLoss>(request.plane_loss)),
        pool_(pool),
        cancel_(cancel),
        planes_(request) {}

  Status open() noexcept;

  /// Where a sweep puts the planes of an image.
  StretchPlanes room(int64_t image) const;

  Status forward(math::PlaneSums* regions) noexcept;
  Status backward(const math::PlaneSums* slopes) noexcept;

  /// After backward().
  PlaneLines slopes(int64_t image) const { return planes_.lines_of(planes_.predictions, image); }

 private:
  const RegionsRequest& r_;
  math::PlaneLoss kind_;
  ThreadPool& pool_;
  Cancel& cancel_;
  Planes planes_;
  Workspace workspace_;
  Rooms rooms_;  // what the loss itself works in
};

}  // namespace cutloss::cpu
