#include "cpu/regions/run_regions.h"

#include <atomic>
#include <new>

#include "cpu/memory.h"
#include "cpu/planes/plane_pass.h"
#include "cpu/scratch.h"
#include "engine/region_targets.h"

namespace cutloss::cpu {
namespace {

/// A call's two passes, each cut into stretches of an image.
class RegionsRun {
 public:
  RegionsRun(RegionsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel)
      : r_(request),
        level_(level),
        sweeps_(level.regions->by_dtype[static_cast<int>(request.predictions.dtype)]),
        pool_(pool),
        cancel_(cancel),
        tiling_(tile_regions(request)),
        stretches_(stretches_of_image(request, tiling_)) {}

  Status run() noexcept {
    RegionSums sums;
    CUTLOSS_TRY(sums.allocate(r_));
    CUTLOSS_TRY(r_.given_moments ? check_ids() : add_up(&sums));
    PlanePass planes(r_, pool_, cancel_);
    if (r_.has_planes()) CUTLOSS_TRY(look_at(&planes, &sums));
    RegionSlopeTable slopes;
    CUTLOSS_TRY(judge_regions(r_, sums, r_.gradient ? &slopes : nullptr));
    if (!r_.gradient) return {};
    if (r_.has_planes()) CUTLOSS_TRY(planes.backward(slopes.planes.get()));
    return write_gradient(slopes, planes);
  }

 private:
  int64_t tasks() const { return r_.batch * stretches_; }

  /// Whole tiles, so that every stretch but an image's last is made of full ones.
  int64_t stretch_start(int64_t k) const {
    const int64_t tiles = (r_.pixels + tiling_.pixels - 1) / tiling_.pixels;
    return std::min(r_.pixels, k * tiles / stretches_ * tiling_.pixels);
  }

  RegionStretch stretch(int64_t task, void* scratch) const {
    const int64_t k = task % stretches_;
    return {r_, tiling_, task / stretches_, stretch_start(k), stretch_start(k + 1), scratch};
  }

  /// Calls work(task, stretch) for every stretch.
  template <class Work>
  Status for_each_stretch(const Work& work) noexcept {
    std::atomic<bool> no_memory{false};
    pool_.run(tasks(), [&](int64_t task) {
      if (cancel_.requested()) return;
      void* scratch = Scratch::of_this_thread(tiling_.scratch_bytes);
      if (scratch) {
        work(task, stretch(task, scratch));
      } else {
        no_memory = true;
      }
    });
    if (cancel_.requested()) return cancelled();
    return no_memory ? out_of_memory(tiling_.scratch_bytes) : Status{};
  }

  Status add_up(RegionSums* sums) noexcept {
    const bool direct = r_.by_image() && stretches_ == 1;
    const std::unique_ptr<math::RegionMoments[]> cells(
        direct ? nullptr : new (std::nothrow) math::RegionMoments[tasks() * r_.classes]());
    const std::unique_ptr<Leaving[]> leavings(new (std::nothrow) Leaving[tasks()]);
    if ((!cells && !direct) || !leavings) return out_of_memory(tasks() * r_.classes * sizeof(math::RegionMoments));

    CUTLOSS_TRY(for_each_stretch([&](int64_t task, const RegionStretch& one) {
      StretchSums of_one = {(direct ? sums->cells.get() : cells.get()) + task * r_.classes};
      sweeps_.moments(one, &of_one);
      leavings[task] = {of_one.pixels, of_one.bad};
    }));
    for (int64_t task = 0; task < tasks(); ++task) {
      if (leavings[task].bad >= 0) return bad_target(leavings[task].bad);
      const int64_t row = image_row(r_, task / stretches_);
      sums->images[row].add(leavings[task].pixels);
      if (direct) continue;
      for (int64_t c = 0; c < r_.classes; ++c) sums->cells[row * r_.classes + c].add(cells[task * r_.classes + c]);
    }
    return {};
  }

  Status look_at(PlanePass* planes, RegionSums* sums) noexcept {
    CUTLOSS_TRY(planes->open());
    CUTLOSS_TRY(
        for_each_stretch([&](int64_t, const RegionStretch& one) { sweeps_.planes(one, planes->room(one.image)); }));
    return planes->forward(sums->planes.get());
  }

  Status write_gradient(const RegionSlopeTable& slopes, const PlanePass& planes) noexcept {
    if (r_.fresh_gradient) prefer_huge_pages(r_.gradient.data, r_.gradient.bytes());
    const bool stream = streams_region_gradient(r_.gradient.bytes());
    return for_each_stretch([&](int64_t, const RegionStretch& one) {
      if (r_.fresh_gradient) populate_stretch(one);
      const int64_t row = image_row(r_, one.image);
      sweeps_.gradient(one, {slopes.cells.get() + row * r_.classes, slopes.images[row], stream,
                             r_.has_planes() ? planes.slopes(one.image) : PlaneLines{}});
      level_.fence();
    });
  }

  void populate_stretch(const RegionStretch& one) const {
    const size_t element = element_size(r_.gradient.dtype);
    char* image = r_.gradient.as<char>() + one.image * r_.classes * r_.pixels * element;
    const int64_t lines = r_.channels_first ? r_.classes : 1, width = r_.channels_first ? 1 : r_.classes;
    for (int64_t line = 0; line < lines; ++line) {
      populate(image + (line * r_.pixels + one.first) * width * element, (one.last - one.first) * width * element);
    }
  }

  /// Nothing is written before every class id is known to be good.
  Status check_ids() const {
    if (r_.soft_targets) return {};
    const RegionTargets targets(r_);
    for (int64_t pixel = 0; pixel < r_.batch * r_.pixels; ++pixel) {
      if (targets.id(pixel) == RegionTargets::kBad) return bad_target(pixel);
    }
    return {};
  }

  Status bad_target(int64_t pixel) const {
    const RegionTargets targets(r_);
    return targets.out_of_range(pixel, targets.value(pixel));
  }

  static Status out_of_memory(size_t bytes) {
    return failure(Code::kMemory, "Expected %zu bytes of scratch memory", bytes);
  }

  struct Leaving {
    PixelSums pixels;
    int64_t bad = -1;
  };

  RegionsRequest& r_;
  const Level& level_;
  const RegionSweeps& sweeps_;
  ThreadPool& pool_;
  Cancel& cancel_;
  RegionTiling tiling_;
  int64_t stretches_;
};

}  // namespace

Status run_regions(RegionsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept {
  return RegionsRun(request, level, pool, cancel).run();
}

}  // namespace cutloss::cpu
