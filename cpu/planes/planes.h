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

  int64_t size() const { return lines() * r.pixels; }
  int64_t lines() const { return r.pixels == 0 ? 0 : r.batch * r.region_classes(); }
  int64_t region_size() const { return r.region_count() == 0 ? 0 : size() / r.region_count(); }

  int64_t line_of(int64_t image, int64_t region_class) const {
    return (image * image_stride + region_class * class_stride) / r.pixels;
  }

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

  /// The sums of all lines to those of their regions.
  void add_up(math::PlaneSums* regions) const;

  const RegionsRequest& r;
  int64_t class_stride, image_stride;
  float* predictions = nullptr;     // [size()]; later the slopes by them
  float* labels = nullptr;          // [size()]
  float* weights = nullptr;         // [batch, pixels]
  math::PlaneSums* sums = nullptr;  // [lines()]
};

/// A class of an image.
struct PlaneLine {
  PlaneLine(const Planes& planes, int64_t line)
      : first(line * planes.r.pixels),
        region(first / planes.region_size()),
        class_weight(planes.class_weight(region, first % planes.region_size())),
        predictions(planes.predictions + first),
        labels(planes.labels + first),
        weights(planes.weights
                    ? planes.weights + planes.image_of(region, first % planes.region_size()) * planes.r.pixels
                    : nullptr) {}

  float weight(int64_t pixel) const { return weights ? weights[pixel] : 1.f; }

  int64_t first, region;
  double class_weight;
  float* predictions;
  float* labels;
  const float* weights;
};

inline void Planes::add_up(math::PlaneSums* regions) const {
  for (int64_t number = 0; number < lines(); ++number) {
    const PlaneLine line(*this, number);
    regions[line.region].add(sums[number], line.class_weight);
  }
}

inline constexpr int64_t kPlaneSlack = 64;  // floats after a plane, which whole vectors may read

}  // namespace cutloss::cpu
