#include "engine/region_losses.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace cutloss {
namespace {

/// A row of exported moments.
struct MomentRow {
  math::RegionMoments region;
  PixelSums pixels;
};
static_assert(sizeof(MomentRow) == kRegionMomentCount * sizeof(double));

template <class T>
Status allocate(std::unique_ptr<T[]>* to, int64_t count) noexcept {
  to->reset(new (std::nothrow) T[count]());
  return *to ? Status{} : failure(Code::kMemory, "Expected memory for the sums of %lld regions", (long long)count);
}

class Judge {
 public:
  Judge(RegionsRequest& request, const RegionSums& sums) : r_(request), sums_(sums) {}

  Status run(RegionSlopeTable* slopes) noexcept {
    CUTLOSS_TRY(allocate(&rows_, r_.moment_rows()));
    CUTLOSS_TRY(allocate(&row_weights_, r_.moment_rows()));
    CUTLOSS_TRY(allocate(&regions_, r_.region_count()));
    read_rows();
    if (r_.moments) std::copy_n(rows_.get(), r_.moment_rows(), r_.moments.as<MomentRow>());
    weigh_rows();
    judge_regions();
    add_up();
    return slopes ? write(slopes) : Status{};
  }

 private:
  struct Region {
    math::RegionMoments moments;
    math::RegionIndex loss;
    math::PlaneSums plane_slopes;
    double weight;  // in the sum of the regions' losses; 0 where it does not count
  };

  int64_t images() const { return r_.by_image() ? r_.batch : 1; }
  int64_t rows_of_image() const { return r_.by_class() || r_.class_moments ? r_.region_classes() : 1; }
  int64_t row_of(int64_t image, int64_t region_class) const {
    return image * rows_of_image() + (rows_of_image() > 1 ? region_class : 0);
  }
  int64_t region_of(int64_t image, int64_t region_class) const {
    return r_.by_class() ? image * r_.region_classes() + region_class : image;
  }
  double class_weight(int64_t region_class) const {
    return r_.class_weights ? r_.class_weights.as<const float>()[r_.first_class + region_class] : 1;
  }
  double upstream(int64_t region) const {
    return r_.upstream_scale * (r_.upstream ? r_.upstream.as<const float>()[region] : 1);
  }

  void read_rows() noexcept {
    if (r_.given_moments) {
      std::copy_n(r_.given_moments.as<const MomentRow>(), r_.moment_rows(), rows_.get());
      return;
    }
    for (int64_t image = 0; image < images(); ++image) {
      for (int64_t c = 0; c < r_.region_classes(); ++c) {
        rows_[row_of(image, c)].region.add(sums_.cells[image * r_.classes + r_.first_class + c]);
      }
      if (rows_of_image() > 0) rows_[image * rows_of_image()].pixels = sums_.images[image];
    }
  }

  /// What each row counts in its region: the class weight, and for the generalized Dice 1/Y^2 or 1/Y; where that is
  /// infinite, the largest finite one of the region.
  void weigh_rows() noexcept {
    const int64_t per_image = rows_of_image();
    for (int64_t image = 0; image < images(); ++image) {
      double* weights = row_weights_.get() + image * per_image;
      double largest = 0;
      for (int64_t k = 0; k < per_image; ++k) {
        const double size = rows_[image * per_image + k].region.targets;
        const double simple = 1 / size;
        weights[k] = r_.weighting == int(Weighting::kSquare)   ? simple * simple
                     : r_.weighting == int(Weighting::kSimple) ? simple
                                                               : 1;
        if (!std::isinf(weights[k])) largest = std::max(largest, weights[k]);
      }
      if (r_.by_class()) largest = 0;  // regions of one class have no other
      for (int64_t k = 0; k < per_image; ++k) {
        if (std::isinf(weights[k])) weights[k] = largest > 0 ? largest : 1;
        if (!r_.by_class() && r_.class_moments) weights[k] *= class_weight(k);
      }
    }
  }

  void judge_regions() noexcept {
    for (int64_t image = 0; image < images(); ++image) {
      for (int64_t k = 0; k < rows_of_image(); ++k) {
        const int64_t row = image * rows_of_image() + k;
        regions_[region_of(image, k)].moments.add(rows_[row].region, row_weights_[row]);
      }
    }
    const math::IndexOptions options = {r_.numerator_smooth, r_.denominator_smooth, r_.index_first,
                                        r_.index_second,     r_.squared != 0,       r_.l1 != 0};
    const Absent absent = static_cast<Absent>(r_.absent);
    for (int64_t region = 0; region < r_.region_count(); ++region) {
      Region& one = regions_[region];
      const bool empty = one.moments.targets == 0;
      one.weight = r_.by_class() ? class_weight(region % r_.region_classes()) : 1;
      if (empty && absent == Absent::kDrop) {
        one.weight = 0;
        continue;
      }
      ++r_.regions;
      weights_ += one.weight;
      // where no pixel counts there is nothing to lose
      if (one.moments.pixels == 0 || (empty && absent == Absent::kZero)) continue;
      const math::RegionShape shape = {r_.exponent, r_.log != 0};
      if (r_.has_planes()) {
        const math::PlaneIndex found =
            math::plane_index(static_cast<math::PlaneLoss>(r_.plane_loss), sums_.planes[region], one.moments, options);
        one.loss = math::region_loss(found.index, shape);
        one.plane_slopes = found.slopes.times(math::shaped(found.index.value, shape).slope);
      } else {
        one.loss = math::region_loss(math::region_index(int(r_.index), one.moments, options), shape);
      }
    }
  }

  bool is_mean() const { return r_.reduction == int64_t(Reduction::kMean); }
  double region_factor(int64_t region) const {
    const double weight = regions_[region].weight;
    if (!is_mean()) return weight;
    return weights_ != 0 ? weight / weights_ : 0;
  }

  /// What the terms of the pixels are divided by.
  double pixel_scale(double weight) const {
    if (per_image_terms() && !is_mean()) return 1;
    return weight != 0 ? 1 / weight : 0;
  }
  /// Terms of the pixels that stand alone are items of their own, an image each.
  bool per_image_terms() const { return r_.index == math::kNoRegionIndex && !r_.has_planes(); }

  void add_up() noexcept {
    PixelSums all = {};
    for (int64_t row = 0; row < r_.moment_rows(); ++row) all.add(rows_[row].pixels);
    pixel_scale_ = pixel_scale(all.weight);
    const auto terms = [&](const PixelSums& sums) {
      double value = 0;
      if (r_.cross_entropy != 0) value += r_.cross_entropy * sums.cross_entropy * pixel_scale_;
      if (r_.focal != 0) value += r_.focal * sums.focal * pixel_scale_;
      return value;
    };
    const int64_t count = r_.region_count();
    for (int64_t region = 0; region < count; ++region) {
      const double factor = region_factor(region);
      const double value = factor == 0 ? 0 : factor * regions_[region].loss.value;
      r_.loss += value;
      if (!r_.per_item) continue;
      const double own = per_image_terms() ? terms(rows_[region * rows_of_image()].pixels) : terms(all) / count;
      r_.per_item.as<float>()[region] = static_cast<float>(value + own);
    }
    if (r_.has_pixel_terms()) r_.loss += terms(all);
  }

  Status write(RegionSlopeTable* slopes) noexcept {
    CUTLOSS_TRY(allocate(&slopes->cells, images() * r_.classes));
    CUTLOSS_TRY(allocate(&slopes->images, images()));
    const int64_t count = r_.region_count();
    if (r_.has_planes()) {
      CUTLOSS_TRY(allocate(&slopes->planes, count));
      for (int64_t region = 0; region < count; ++region) {
        slopes->planes[region] = regions_[region].plane_slopes.times(region_factor(region) * upstream(region));
      }
    }
    double mean_upstream = 0;  // items share the terms of the pixels alike
    for (int64_t region = 0; region < count; ++region) mean_upstream += upstream(region) / count;
    for (int64_t image = 0; image < images(); ++image) {
      for (int64_t c = 0; c < r_.region_classes(); ++c) {
        const int64_t region = region_of(image, c);
        const double factor = region_factor(region) * upstream(region) * row_weights_[row_of(image, c)];
        const math::RegionSlopes s = regions_[region].loss.slopes.times(factor);
        slopes->cells[image * r_.classes + r_.first_class + c] = {float(s.intersection), float(s.predictions),
                                                                  float(s.predictions_squared), float(s.least)};
      }
      const double factor = pixel_scale_ * (per_image_terms() && r_.upstream ? upstream(image) : mean_upstream);
      slopes->images[image] = {float(r_.cross_entropy * factor), float(r_.focal * factor)};
    }
    return {};
  }

  RegionsRequest& r_;
  const RegionSums& sums_;
  std::unique_ptr<MomentRow[]> rows_;
  std::unique_ptr<double[]> row_weights_;
  std::unique_ptr<Region[]> regions_;
  double weights_ = 0;  // of the regions that count
  double pixel_scale_ = 0;
};

}  // namespace

Status RegionSums::allocate(const RegionsRequest& request) noexcept {
  image_count = request.by_image() ? request.batch : 1;
  CUTLOSS_TRY(cutloss::allocate(&cells, image_count * request.classes));
  if (request.has_planes()) CUTLOSS_TRY(cutloss::allocate(&planes, request.region_count()));
  return cutloss::allocate(&images, image_count);
}

Status judge_regions(RegionsRequest& request, const RegionSums& sums, RegionSlopeTable* slopes) noexcept {
  return Judge(request, sums).run(slopes);
}

}  // namespace cutloss
