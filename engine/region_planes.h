// Planes of a request in scratch memory, for the losses that look at them whole: the predictions of each class that
// counts of each image, a line of pixels each. The lines of a region follow one another, so that a region is one
// stretch of floats. For every engine; a GPU's kernels are given them by value.
#pragma once

#include "engine/regions.h"

namespace cutloss {

struct RegionPlanes {
  RegionPlanes() = default;
  explicit RegionPlanes(const RegionsRequest& r)
      : batch(r.batch),
        pixels(r.pixels),
        region_classes(r.region_classes()),
        region_count(r.region_count()),
        class_stride(r.by_image() ? r.pixels : r.batch * r.pixels),
        image_stride(r.by_image() ? r.region_classes() * r.pixels : r.pixels),
        class_weights(r.by_class() || !r.class_weights ? nullptr : r.class_weights.as<const float>() + r.first_class) {}

  CUTLOSS_HD int64_t size() const { return lines() * pixels; }
  CUTLOSS_HD int64_t lines() const { return pixels == 0 ? 0 : batch * region_classes; }
  CUTLOSS_HD int64_t region_size() const { return region_count == 0 ? 0 : size() / region_count; }

  CUTLOSS_HD int64_t line_of(int64_t image, int64_t region_class) const {
    return (image * image_stride + region_class * class_stride) / pixels;
  }

  /// Where an element of all regions is from.
  CUTLOSS_HD int64_t class_of(int64_t element) const { return element / class_stride % region_classes; }
  CUTLOSS_HD int64_t image_of(int64_t element) const { return element / image_stride % batch; }
  /// What it counts in its region beside its pixel's weight.
  CUTLOSS_HD double class_weight(int64_t element) const { return class_weights ? class_weights[class_of(element)] : 1; }

  int64_t batch = 0, pixels = 0, region_classes = 0, region_count = 0;
  int64_t class_stride = 0, image_stride = 0;
  const float* class_weights = nullptr;  // [region_classes], where regions span classes
  float* predictions = nullptr;          // [size()]; later the slopes by them
  float* labels = nullptr;               // [size()]
  float* weights = nullptr;              // [batch, pixels]
};

/// A class of an image.
struct PlaneLine {
  CUTLOSS_HD PlaneLine(const RegionPlanes& planes, int64_t line)
      : first(line * planes.pixels),
        region(first / planes.region_size()),
        class_weight(planes.class_weight(first)),
        predictions(planes.predictions + first),
        labels(planes.labels + first),
        weights(planes.weights ? planes.weights + planes.image_of(first) * planes.pixels : nullptr) {}

  CUTLOSS_HD float weight(int64_t pixel) const { return weights ? weights[pixel] : 1.f; }

  int64_t first, region;
  double class_weight;
  float* predictions;
  float* labels;
  const float* weights;
};

/// Whether the losses of a request's planes need labels beside predictions: of class ids the sign of a difference tells
/// the target, unless what is no probability may lie on either side.
inline bool need_label_planes(const RegionsRequest& r) {
  const bool differences = r.plane_loss == int64_t(math::PlaneLoss::kLovasz);
  return !differences || r.soft_targets || r.activation == int64_t(Activation::kNone);
}

}  // namespace cutloss
