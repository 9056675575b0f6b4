#include "cpu/planes/plane_pass.h"

#include "cpu/planes/lovasz.h"

namespace cutloss::cpu {

Status PlanePass::open() noexcept {
  CUTLOSS_TRY(expect_lovasz_fits(planes_));
  const auto lay_out = [this](Arena arena) {
    planes_.predictions = arena.take<float>(planes_.size() + kPlaneSlack);
    // what is no probability may lie on either side of a label
    if (r_.soft_targets || r_.activation == int64_t(Activation::kNone))
      planes_.labels = arena.take<float>(planes_.size() + kPlaneSlack);
    if (r_.mask || r_.ignores) planes_.weights = arena.take<float>(r_.batch * r_.pixels + kPlaneSlack);
    own_ = arena.take<char>(lovasz_workspace(planes_));
    return arena.bytes();
  };
  CUTLOSS_TRY(workspace_.open(lay_out(Arena())));
  lay_out(workspace_.arena());
  return {};
}

StretchPlanes PlanePass::room(int64_t image) const {
  StretchPlanes room;
  room.predictions = planes_.lines(planes_.predictions, image);
  room.labels = planes_.lines(planes_.labels, image);
  room.weights = planes_.weights ? planes_.weights + image * r_.pixels : nullptr;
  room.differences = true;
  return room;
}

Status PlanePass::forward(math::PlaneSums* regions) noexcept {
  return lovasz_forward(planes_, own_, pool_, cancel_, regions);
}

Status PlanePass::backward(const math::PlaneSums* slopes) noexcept {
  return lovasz_backward(planes_, pool_, cancel_, slopes);
}

}  // namespace cutloss::cpu
