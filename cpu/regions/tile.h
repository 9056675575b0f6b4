// A tile of an image in scratch: classes apart, a line of pixels each, in float. Both layouts of memory come in and go
// out here, so that everything between knows one. Pixels beyond the image's end are there to fill a vector and weigh
// nothing.
#pragma once

#include <cstring>

#include "cpu/regions/region_kernels.h"
#include "cpu/simd/portable.h"

namespace cutloss::cpu {

template <class V>
struct RegionTile {
  using F = typename V::F;
  using D = typename V::D;

  explicit RegionTile(const RegionStretch& stretch) : s(stretch), r(stretch.request), pitch(stretch.tiling.pixels) {
    auto* floats = static_cast<float*>(stretch.scratch);
    const auto take = [&](int64_t count) {
      floats += count;
      return floats - count;
    };
    predictions = take(pitch * r.classes);
    labels = r.soft_targets ? take(pitch * r.classes) : nullptr;
    flat = r.channels_first ? nullptr : take(pitch * r.classes + V::kLanes);
    weight = take(pitch);
    sum = take(pitch);
    scale = take(pitch);
    mean = take(pitch);
    pull = take(pitch);
    others = take(pitch);
    own = take(pitch);
    most = take(pitch);
    ids = reinterpret_cast<int32_t*>(take(pitch));
    // sums per class, in double
    floats = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(floats) + 63) & ~uintptr_t{63});
    class_sums = reinterpret_cast<D*>(floats);
  }

  /// Elements of storage before a pixel of a class, and from one class to the next.
  int64_t offset(int64_t pixel) const {
    return r.channels_first ? s.image * r.classes * r.pixels + pixel : (s.image * r.pixels + pixel) * r.classes;
  }

  /// The first pixel and how many, and the same in whole vectors.
  void move_to(int64_t first) {
    at = first;
    count = std::min(pitch, s.last - first);
    padded = (count + V::kLanes - 1) / V::kLanes * V::kLanes;
  }

  /// Class ids (-1 where there is none) and weights. False, and the pixel, where an id is no class.
  bool load_pixels(int64_t* bad) {
    const int64_t pixel = s.image * r.pixels + at;
    if (!r.mask) {
      for (int64_t i = 0; i < padded; ++i) weight[i] = i < count ? 1.f : 0.f;
    } else if (r.mask.dtype == DType::kFloat32) {
      load_weights(r.mask.as<const float>() + pixel);
    } else {
      load_weights(r.mask.as<const uint8_t>() + pixel);
    }
    if (r.soft_targets) return true;
    switch (r.targets.dtype) {
      case DType::kInt64: return load_ids(r.targets.as<const int64_t>() + pixel, pixel, bad);
      case DType::kUint8: return load_ids(r.targets.as<const uint8_t>() + pixel, pixel, bad);
      default: return load_ids(r.targets.as<const int32_t>() + pixel, pixel, bad);
    }
  }

  void load_labels() {
    switch (r.targets.dtype) {
      case DType::kFloat32: return load_plane(r.targets.as<const float>(), labels);
      case DType::kFloat16: return load_plane(r.targets.as<const Half>(), labels);
      case DType::kBFloat16: return load_plane(r.targets.as<const BFloat16>(), labels);
      case DType::kInt32: return load_plane(r.targets.as<const int32_t>(), labels);
      case DType::kInt64: return load_plane(r.targets.as<const int64_t>(), labels);
      default: return load_plane(r.targets.as<const uint8_t>(), labels);
    }
  }

  template <class From>
  void load_plane(const From* image, float* plane) {
    const From* from = image + offset(at);
    if (r.channels_first) {
      for (int64_t c = 0; c < r.classes; ++c) widen(from + c * r.pixels, count, plane + c * pitch);
    } else if constexpr (std::is_same_v<From, float>) {
      to_lines(from, plane);
    } else {
      widen(from, count * r.classes, flat);
      to_lines(flat, plane);
    }
    for (int64_t c = 0; c < r.classes; ++c) std::fill(plane + c * pitch + count, plane + c * pitch + padded, 0.f);
  }

  /// Writes the plane of predictions, by now their gradient, to where they came from.
  template <bool kStream, class To>
  void store_plane(To* image) {
    To* to = image + offset(at);
    from_lines(predictions, flat);
    write<kStream>(to, count * r.classes, [&](int64_t i) { return V::load(flat + i); });
  }

  /// to[i] = value(i), a vector from element i on; reads as far as a vector beyond the end.
  template <bool kStream, class To, class Value>
  CUTLOSS_INLINE void write(To* to, int64_t count, const Value& value) {
    const auto part = [&](int64_t i, int64_t n) {
      To whole[V::kLanes];
      V::store(whole, value(i));
      memcpy(to + i, whole, n * sizeof(To));
    };
    int64_t i = 0;
    if (kStream) {  // up to the first aligned vector
      constexpr uintptr_t kBytes = V::kLanes * sizeof(To);
      i = std::min<int64_t>(count, (kBytes - reinterpret_cast<uintptr_t>(to) % kBytes) % kBytes / sizeof(To));
      if (i > 0) part(0, i);
    }
    for (; i + V::kLanes <= count; i += V::kLanes) kStream ? V::stream(to + i, value(i)) : V::store(to + i, value(i));
    if (i < count) part(i, count - i);
  }

  const RegionStretch& s;
  const RegionsRequest& r;
  int64_t pitch, at = 0, count = 0, padded = 0;
  float *predictions, *labels, *flat;                               // [classes, pitch]; flat: [pitch, classes]
  float *weight, *sum, *scale, *mean, *pull, *others, *own, *most;  // [pitch]
  int32_t* ids;                                                     // [pitch]
  D* class_sums;                                                    // [classes, kClassLines, 2]

 private:
  template <class From>
  void load_weights(const From* from) {
    for (int64_t i = 0; i < count; ++i) weight[i] = float(from[i]);
    for (int64_t i = count; i < padded; ++i) weight[i] = 0;
  }

  template <class From>
  bool load_ids(const From* from, int64_t pixel, int64_t* bad) {
    bool all_good = true;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t id = from[i];
      const bool counts = !(r.ignores && id == r.ignore_index);
      all_good &= !counts || (id >= 0 && id < r.classes);
      ids[i] = counts ? int32_t(id) : -1;
      weight[i] = counts ? weight[i] : 0;
    }
    for (int64_t i = count; i < padded; ++i) ids[i] = -1;
    if (all_good) return true;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t id = from[i];
      if ((id < 0 || id >= r.classes) && !(r.ignores && id == r.ignore_index)) {
        *bad = pixel + i;
        break;
      }
    }
    return false;
  }

  template <class From>
  static void widen(const From* from, int64_t count, float* to) {
    int64_t i = 0;
    if constexpr (std::is_integral_v<From>) {
      for (; i < count; ++i) to[i] = float(from[i]);
    } else {
      for (; i + V::kLanes <= count; i += V::kLanes) V::store(to + i, V::load(from + i));
      for (; i < count; ++i) to[i] = math::widen(from[i]);
    }
  }

  /// [count, classes] -> [classes, pitch].
  void to_lines(const float* from, float* plane) const {
    switch (r.classes) {
      case 1: memcpy(plane, from, count * sizeof(float)); return;
      case 2: return to_few_lines<2>(from, plane);
      case 3: return to_few_lines<3>(from, plane);
    }
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) {
      for (int64_t c = 0; c < r.classes; c += 4) {
        const int64_t four = std::min(c, r.classes - 4);  // the last four overlap those before
        V::load_four_lines(from + i * r.classes + four, r.classes, plane + four * pitch + i, pitch);
      }
    }
    for (; i < count; ++i) {
      for (int64_t c = 0; c < r.classes; ++c) plane[c * pitch + i] = from[i * r.classes + c];
    }
  }

  /// [classes, pitch] -> [count, classes].
  void from_lines(const float* plane, float* to) const {
    switch (r.classes) {
      case 1: memcpy(to, plane, count * sizeof(float)); return;
      case 2: return from_few_lines<2>(plane, to);
      case 3: return from_few_lines<3>(plane, to);
    }
    int64_t i = 0;
    for (; i + V::kLanes <= count; i += V::kLanes) {
      for (int64_t c = 0; c < r.classes; c += 4) {
        const int64_t four = std::min(c, r.classes - 4);
        V::store_four_lines(plane + four * pitch + i, pitch, to + i * r.classes + four, r.classes);
      }
    }
    for (; i < count; ++i) {
      for (int64_t c = 0; c < r.classes; ++c) to[i * r.classes + c] = plane[c * pitch + i];
    }
  }

  template <int kClasses>
  void to_few_lines(const float* from, float* plane) const {
    for (int64_t i = 0; i < count; ++i) {
      for (int c = 0; c < kClasses; ++c) plane[c * pitch + i] = from[i * kClasses + c];
    }
  }
  template <int kClasses>
  void from_few_lines(const float* plane, float* to) const {
    for (int64_t i = 0; i < count; ++i) {
      for (int c = 0; c < kClasses; ++c) to[i * kClasses + c] = plane[c * pitch + i];
    }
  }
};

}  // namespace cutloss::cpu
