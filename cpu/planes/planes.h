// Planes of a request in scratch memory: the predictions of each class that counts of each image, a line of pixels
// each. The lines of a region follow one another, so that a region is one stretch of floats.
#pragma once

#include "cpu/regions/region_kernels.h"

namespace cutloss::cpu {

struct Planes {
  explicit Planes(const RegionsRequest& request)
      : r(request),
        class_stride(r.by_image() ? r.pixels : r.batch * r.pixels),
        image_stride(r.by_image() ? r.region_classes() * r.pixels : r.pixels) {}

  int64_t size() const { return r.batch * r.region_classes() * r.pixels; }
  int64_t region_size() const { return r.region_count() == 0 ? 0 : size() / r.region_count(); }

  /// Lines of the image, in planes that begin at `first`.
  PlaneLines lines(float* first, int64_t image) const {
    return {first ? first + image * image_stride : nullptr, class_stride};
  }

  /// Where an element of a region is from.
  int64_t class_of(int64_t region, int64_t element) const {
    return (region * region_size() + element) / class_stride % r.region_classes();
  }
  int64_t image_of(int64_t region, int64_t element) const {
    return (region * region_size() + element) / image_stride % r.batch;
  }
  /// What an element counts in its region beside its pixel's weight.
  double class_weight(int64_t region, int64_t element) const {
    if (r.by_class() || !r.class_weights) return 1;
    return r.class_weights.as<const float>()[r.first_class + class_of(region, element)];
  }

  const RegionsRequest& r;
  int64_t class_stride, image_stride;
  float* predictions = nullptr;  // [size()]; later the slopes by them
  float* labels = nullptr;       // [size()]
  float* weights = nullptr;      // [batch, pixels]
};

inline constexpr int64_t kPlaneSlack = 64;  // floats after a plane, which whole vectors may read

}  // namespace cutloss::cpu
