#include "cuda/planes/plane_pass.h"

namespace cutloss::cuda {

using math::PlaneLoss;

namespace {

/// Pixels are numbered in 32 bits where their neighbours matter.
Status expect_images_fit(const RegionPlanes& planes) noexcept {
  if (planes.pixels <= UINT32_MAX) return {};
  return failure(Code::kShape, "Expected images of fewer than 2^32 pixels on a GPU but received %lld",
                 static_cast<long long>(planes.pixels));
}

}  // namespace

Status PlanePass::open(const RegionsRequest& request) noexcept {
  r_ = &request;
  kind_ = static_cast<PlaneLoss>(request.plane_loss);
  planes_ = RegionPlanes(request);
  if (planes_.size() == 0) return {};
  CUTLOSS_TRY(is(PlaneLoss::kLovasz) ? expect_lovasz_fits(planes_) : expect_images_fit(planes_));
  const int64_t together = is(PlaneLoss::kLovasz)       ? LovaszRoom::together(planes_)
                           : is(PlaneLoss::kSoftClDice) ? ClDiceRoom::together(planes_, request)
                                                        : units();
  parts_.slices = slices_of(together, planes_.size() / units(), device_.multiprocessors);
  if (units() * parts_.slices > INT32_MAX) {
    return failure(Code::kShape, "Expected fewer than 2^31 planes on a GPU but received %lld",
                   static_cast<long long>(planes_.lines()));
  }
  CUTLOSS_TRY(scratch_.allocate(device_.memory, lay_out(nullptr)));
  lay_out(scratch_.as());
  return {};
}

size_t PlanePass::lay_out(void* memory) {
  Cutter cutter(memory);
  planes_.predictions = cutter.take<float>(planes_.size());
  if (need_label_planes(*r_)) planes_.labels = cutter.take<float>(planes_.size());
  if (r_->mask || r_->ignores) planes_.weights = cutter.take<float>(planes_.batch * planes_.pixels);
  parts_.sums = cutter.take<math::PlaneSums>(units() * parts_.slices);
  sums_ = cutter.take<math::PlaneSums>(planes_.region_count);
  switch (kind_) {
    case PlaneLoss::kLovasz: lovasz_ = LovaszRoom::cut(&cutter, planes_, parts_.slices); break;
    case PlaneLoss::kSoftClDice: cl_dice_ = ClDiceRoom::cut(&cutter, planes_, *r_); break;
    case PlaneLoss::kSkeletonRecall: skeletons_ = SkeletonRoom::cut(&cutter, planes_.batch, MaskShape(*r_)); break;
    case PlaneLoss::kNone: break;
  }
  return cutter.used();
}

Status PlanePass::forward(math::PlaneSums* regions) noexcept {
  sequence_.fill(parts_.sums, 0, units() * parts_.slices * sizeof *parts_.sums);
  switch (kind_) {
    case PlaneLoss::kLovasz: lovasz_forward(sequence_, planes_, lovasz_, parts_); break;
    case PlaneLoss::kSoftClDice: cl_dice_forward(sequence_, planes_, cl_dice_, parts_); break;
    case PlaneLoss::kSkeletonRecall:
      CUTLOSS_TRY(skeleton_recall_forward(sequence_, planes_, MaskShape(*r_), r_->rounds, skeletons_, parts_,
                                          device_.multiprocessors));
      break;
    case PlaneLoss::kNone: break;
  }
  add_up_parts(sequence_, parts_, units(), planes_.region_count, sums_);
  return sequence_.read(sums_, regions, planes_.region_count);
}

Status PlanePass::backward(const math::PlaneSums* slopes) noexcept {
  CUTLOSS_TRY(device_.staging.upload(sums_, slopes, planes_.region_count * sizeof *slopes, cancel_));
  switch (kind_) {
    case PlaneLoss::kLovasz: lovasz_backward(sequence_, planes_, parts_, sums_); break;
    case PlaneLoss::kSoftClDice: cl_dice_backward(sequence_, planes_, cl_dice_, parts_, sums_); break;
    case PlaneLoss::kSkeletonRecall: skeleton_recall_backward(sequence_, planes_, parts_, sums_); break;
    case PlaneLoss::kNone: break;
  }
  return sequence_.status();
}

}  // namespace cutloss::cuda
