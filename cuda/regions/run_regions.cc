// One request: its images moved in, their moments taken and fetched, judged on the host, and the gradient brought back.
// A class id that is none is known before anything is written.
#include "cuda/regions/run_regions.h"

#include <cstring>
#include <memory>
#include <new>

#include "cuda/planes/plane_pass.h"
#include "cuda/regions/region_pass.h"
#include "cuda/residence.h"
#include "engine/region_targets.h"

namespace cutloss::cuda {
namespace {

RegionPass make_pass(const RegionsRequest& r, int multiprocessors) {
  RegionPass pass = {};
  pass.request = r;
  const bool squares = r.squared || r.l1 || r.moments;
  pass.shape = {r.batch,
                r.pixels,
                r.classes,
                r.channels_first != 0,
                r.soft_targets != 0,
                r.by_image(),
                squares ? kMostClassSums : 3};
  pass.tiling = tile_regions(pass.shape, multiprocessors);
  pass.activation = static_cast<Activation>(r.activation);
  pass.transform = static_cast<math::RegionTransform>(r.transform);
  pass.transform_parameter = static_cast<float>(r.transform_parameter);
  pass.plain =
      !r.soft_targets && !r.squared && !r.l1 && !r.has_planes() && pass.transform == math::RegionTransform::kNone;
  pass.terms = r.has_pixel_terms();
  pass.focal = focal_options(r);
  pass.class_reciprocal = static_cast<uint32_t>(((uint64_t{1} << 32) + r.classes - 1) / r.classes);
  return pass;
}

/// The small views, which the host reads and writes between the passes, in memory of the host.
class SmallViews {
 public:
  explicit SmallViews(Device& device) : device_(device) {}

  Status move_out(RegionsRequest& r, Cancel& cancel) noexcept {
    for (View* view : {&r.class_weights, &r.upstream, &r.given_moments}) {
      if (!*view || view->device == kHost) continue;
      const void* from = view->data;
      CUTLOSS_TRY(make_room(view));
      CUTLOSS_TRY(device_.staging.download(view->data, from, view->bytes(), cancel));
    }
    for (View* view : {&r.per_item, &r.moments}) {
      if (!*view || view->device == kHost) continue;
      rooms_[count_].to = view->data;
      CUTLOSS_TRY(make_room(view));
    }
    return {};
  }

  Status bring_back(Cancel& cancel) noexcept {
    for (const Room& room : rooms_) {
      if (room.to) CUTLOSS_TRY(device_.staging.upload(room.to, room.memory.get(), room.bytes, cancel));
    }
    return {};
  }

 private:
  struct Room {
    std::unique_ptr<std::byte[]> memory;
    size_t bytes = 0;
    void* to = nullptr;  // on the GPU, for outputs
  };

  Status make_room(View* view) noexcept {
    Room& room = rooms_[count_++];
    room.bytes = view->bytes();
    room.memory.reset(new (std::nothrow) std::byte[room.bytes]);
    if (!room.memory) return failure(Code::kMemory, "Expected %zu bytes of memory", room.bytes);
    view->data = room.memory.get();
    view->device = kHost;
    return {};
  }

  Device& device_;
  Room rooms_[5];
  int count_ = 0;
};

class RegionsRun {
 public:
  RegionsRun(RegionsRequest& request, Device& device, Cancel& cancel)
      : r_(request), device_(device), cancel_(cancel), residence_(device, cancel), planes_(device, cancel) {}

  Status run() noexcept {
    RegionsRequest judged = r_;
    SmallViews small(device_);
    CUTLOSS_TRY(small.move_out(judged, cancel_));
    RegionSums sums;
    CUTLOSS_TRY(sums.allocate(r_));
    if (has_pixels()) CUTLOSS_TRY(add_up(&sums));
    if (has_pixels() && r_.has_planes()) CUTLOSS_TRY(look_at_planes(&sums));
    if (cancel_.requested()) return cancelled();

    RegionSlopeTable slopes;
    const bool gradient = r_.gradient && has_pixels();
    CUTLOSS_TRY(judge_regions(judged, sums, gradient ? &slopes : nullptr));
    if (gradient) CUTLOSS_TRY(write_gradient(slopes));
    CUTLOSS_TRY(small.bring_back(cancel_));
    CUTLOSS_TRY(residence_.bring_back());
    r_.loss = judged.loss;
    r_.regions = judged.regions;
    return {};
  }

 private:
  bool has_pixels() const { return r_.batch > 0 && r_.pixels > 0; }

  /// Moves the images in, and fills the sums unless moments are given.
  Status add_up(RegionSums* sums) noexcept {
    if (r_.classes > kMostRegionClasses) {
      return failure(Code::kShape, "Expected at most %lld classes on a GPU but received %lld",
                     static_cast<long long>(kMostRegionClasses), static_cast<long long>(r_.classes));
    }
    RegionsRequest resident = r_;
    for (View* view : {&resident.upstream, &resident.given_moments, &resident.per_item, &resident.moments}) *view = {};
    if (!r_.has_planes()) resident.class_weights = {};
    CUTLOSS_TRY(residence_.move_in(resident));
    pass_ = make_pass(r_, device_.multiprocessors);
    pass_.request = resident;
    if (pass_.tiling.in_workspace()) {
      CUTLOSS_TRY(workspace_.allocate(device_.memory, pass_.tiling.workspace_bytes * pass_.tiling.blocks));
      pass_.workspace = workspace_.as<std::byte>();
    }
    return r_.given_moments ? check_targets() : take_moments(sums);
  }

  Status look_at_planes(RegionSums* sums) noexcept {
    CUTLOSS_TRY(planes_.open(pass_.request));
    pass_.planes = planes_.planes();
    if (!pass_.planes.predictions) return {};
    pass_.differences = r_.plane_loss == int64_t(math::PlaneLoss::kLovasz);
    CUTLOSS_TRY(put(launch_region_planes(pass_, handle()), "lay out the planes"));
    return planes_.forward(sums->planes.get());
  }

  Status check_targets() noexcept {
    if (r_.soft_targets) return {};
    Scratch first_bad;
    CUTLOSS_TRY(first_bad.allocate(device_.memory, sizeof *pass_.first_bad));
    pass_.first_bad = first_bad.as<unsigned long long>();
    CUTLOSS_TRY(forget_bad());
    CUTLOSS_TRY(put(launch_region_targets(pass_, handle()), "check the targets"));
    unsigned long long found = 0;
    CUTLOSS_TRY(device_.staging.download(&found, pass_.first_bad, sizeof found, cancel_));
    return judge_targets(found);
  }

  Status take_moments(RegionSums* sums) noexcept {
    const size_t cells_bytes = pass_.images_told_apart() * r_.classes * sizeof(math::RegionMoments);
    const size_t images_bytes = pass_.images_told_apart() * sizeof(PixelSums);
    const size_t merged_bytes = cells_bytes + images_bytes + sizeof *pass_.first_bad;
    Scratch of_blocks, merged;
    CUTLOSS_TRY(
        of_blocks.allocate(device_.memory, pass_.tiling.sum_rows(pass_.shape) * pass_.sum_row_size() * sizeof(double)));
    CUTLOSS_TRY(merged.allocate(device_.memory, merged_bytes));
    const std::unique_ptr<std::byte[]> fetched(new (std::nothrow) std::byte[merged_bytes]);
    if (!fetched) return failure(Code::kMemory, "Expected %zu bytes of memory for the sums of a GPU", merged_bytes);

    pass_.sums = of_blocks.as<double>();
    pass_.cells = merged.as<math::RegionMoments>();
    pass_.images = reinterpret_cast<PixelSums*>(merged.as<std::byte>() + cells_bytes);
    pass_.first_bad = reinterpret_cast<unsigned long long*>(merged.as<std::byte>() + cells_bytes + images_bytes);
    CUTLOSS_TRY(put(cudaMemsetAsync(pass_.cells, 0, cells_bytes, handle()), "clear the moments"));
    CUTLOSS_TRY(forget_bad());
    CUTLOSS_TRY(put(launch_region_moments(pass_, handle()), "take the moments"));
    CUTLOSS_TRY(put(launch_region_merge(pass_, handle()), "add up the moments"));
    CUTLOSS_TRY(device_.staging.download(fetched.get(), merged.as(), merged_bytes, cancel_));

    unsigned long long bad = 0;
    std::memcpy(&bad, fetched.get() + cells_bytes + images_bytes, sizeof bad);
    CUTLOSS_TRY(judge_targets(bad));
    std::memcpy(sums->cells.get(), fetched.get(), cells_bytes);
    std::memcpy(sums->images.get(), fetched.get() + cells_bytes, images_bytes);
    complete(sums);
    return {};
  }

  /// What follows from the sums that were taken.
  void complete(RegionSums* sums) const {
    for (int64_t image = 0; image < pass_.images_told_apart(); ++image) {
      for (int64_t c = 0; c < r_.classes; ++c) {
        math::RegionMoments& cell = sums->cells[image * r_.classes + c];
        cell.pixels = sums->images[image].weight;
        if (pass_.shape.class_sums < kMostClassSums) cell.targets_squared = cell.targets;
      }
    }
  }

  Status write_gradient(const RegionSlopeTable& slopes) noexcept {
    const size_t slopes_bytes = pass_.images_told_apart() * r_.classes * sizeof(CellSlopes);
    const size_t factors_bytes = pass_.images_told_apart() * sizeof(PixelFactors);
    CUTLOSS_TRY(slopes_.allocate(device_.memory, slopes_bytes));
    CUTLOSS_TRY(factors_.allocate(device_.memory, factors_bytes));
    CUTLOSS_TRY(device_.staging.upload(slopes_.as(), slopes.cells.get(), slopes_bytes, cancel_));
    CUTLOSS_TRY(device_.staging.upload(factors_.as(), slopes.images.get(), factors_bytes, cancel_));
    if (pass_.planes.predictions) CUTLOSS_TRY(planes_.backward(slopes.planes.get()));
    pass_.slopes = slopes_.as<CellSlopes>();
    pass_.factors = factors_.as<PixelFactors>();
    return put(launch_region_gradient(pass_, handle()), "compute the gradient");
  }

  Status judge_targets(unsigned long long bad) noexcept {
    if (bad == RegionPass::kNoPixel) return {};
    const int64_t pixel = static_cast<int64_t>(bad);
    const View& targets = pass_.request.targets;
    // read on the host as the kernels read it: from a copy of this one element
    int64_t element = 0;
    const size_t size = element_size(targets.dtype);
    CUTLOSS_TRY(device_.staging.download(&element, targets.as<std::byte>() + pixel * size, size, cancel_));
    RegionsRequest alone = r_;
    alone.targets.data = &element;
    return RegionTargets(r_).out_of_range(pixel, RegionTargets(alone).value(0));
  }

  Status forget_bad() noexcept {
    return put(cudaMemsetAsync(pass_.first_bad, 0xff, sizeof *pass_.first_bad, handle()), "clear a number");
  }
  Status put(cudaError_t error, const char* doing) noexcept { return device_.stream.check(error, doing); }
  cudaStream_t handle() { return device_.stream.handle(); }

  RegionsRequest& r_;
  Device& device_;
  Cancel& cancel_;
  Residence residence_;
  PlanePass planes_;
  RegionPass pass_ = {};
  Scratch workspace_, slopes_, factors_;
};

}  // namespace

Status run_regions(RegionsRequest& request, Device& device, Cancel& cancel) noexcept {
  return RegionsRun(request, device, cancel).run();
}

}  // namespace cutloss::cuda
