#include "cpu/planes/plane_pass.h"

#include "cpu/planes/cl_dice.h"
#include "cpu/planes/lovasz.h"
#include "cpu/planes/skeleton_recall.h"

namespace cutloss::cpu {

using math::PlaneLoss;

Status PlanePass::open() noexcept {
  const bool sorts = kind_ == PlaneLoss::kLovasz;
  if (sorts) CUTLOSS_TRY(expect_lovasz_fits(planes_));
  if (kind_ == PlaneLoss::kSoftClDice) rooms_ = cl_dice_rooms(planes_, pool_);
  if (kind_ == PlaneLoss::kSkeletonRecall) rooms_ = skeleton_recall_rooms(planes_, pool_);
  const auto lay_out = [&, this](Arena arena) {
    planes_.predictions = arena.take<float>(planes_.size() + kPlaneSlack);
    if (need_label_planes(r_)) planes_.labels = arena.take<float>(planes_.size() + kPlaneSlack);
    if (r_.mask || r_.ignores) planes_.weights = arena.take<float>(r_.batch * r_.pixels + kPlaneSlack);
    planes_.sums = arena.take<math::PlaneSums>(planes_.lines());
    rooms_.memory = arena.take<char>(sorts ? lovasz_workspace(planes_) : rooms_.count * rooms_.bytes);
    return arena.bytes();
  };
  CUTLOSS_TRY(workspace_.open(lay_out(Arena())));
  lay_out(workspace_.arena());
  return {};
}

StretchPlanes PlanePass::room(int64_t image) const {
  StretchPlanes room;
  room.predictions = planes_.lines_of(planes_.predictions, image);
  room.labels = planes_.lines_of(planes_.labels, image);
  room.weights = planes_.weights ? planes_.weights + image * r_.pixels : nullptr;
  room.differences = kind_ == PlaneLoss::kLovasz;
  return room;
}

Status PlanePass::forward(math::PlaneSums* regions) noexcept {
  switch (kind_) {
    case PlaneLoss::kLovasz: return lovasz_forward(planes_, rooms_.memory, pool_, cancel_, regions);
    case PlaneLoss::kSoftClDice: return cl_dice_forward(planes_, rooms_, pool_, cancel_, regions);
    case PlaneLoss::kSkeletonRecall: return skeleton_recall_forward(planes_, rooms_, pool_, cancel_, regions);
    case PlaneLoss::kNone: break;
  }
  return {};
}

Status PlanePass::backward(const math::PlaneSums* slopes) noexcept {
  switch (kind_) {
    case PlaneLoss::kLovasz: return lovasz_backward(planes_, pool_, cancel_, slopes);
    case PlaneLoss::kSoftClDice: return cl_dice_backward(planes_, rooms_, pool_, cancel_, slopes);
    case PlaneLoss::kSkeletonRecall: return skeleton_recall_backward(planes_, pool_, cancel_, slopes);
    case PlaneLoss::kNone: break;
  }
  return {};
}

}  // namespace cutloss::cpu
