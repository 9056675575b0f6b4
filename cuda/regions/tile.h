// A tile of an image in shared memory, in float: a plane of predictions, one of labels if they are soft, and a few
// numbers for each pixel. Where channels come first, a class's pixels lie together in memory and in the plane; else a
// pixel's classes.
#pragma once

#include "cuda/launch.h"
#include "cuda/ptx/memory.h"
#include "cuda/regions/region_pass.h"
#include "cuda/scalar.h"
#include "engine/region_targets.h"

namespace cutloss::cuda {

/// The threads that walk over a pixel's classes: one, where a tile has as many pixels as there are threads or more.
struct PixelTeam {
  int first, step;  // pixels of this thread
  int part, parts;  // its classes of each

  __device__ explicit PixelTeam(int pixels)
      : step(min(pixels, kRegionThreads)), part(threadIdx.x / step), parts(kRegionThreads / step) {
    first = threadIdx.x % step;
  }
};

__device__ __forceinline__ void read_four(const float* line, float (&to)[4]) {
  const float4 v = *reinterpret_cast<const float4*>(line);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
__device__ __forceinline__ void read_four(const int32_t* line, int32_t (&to)[4]) {
  const int4 v = *reinterpret_cast<const int4*>(line);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

/// What a kernel is compiled for.
template <RegionPath kRegionPath, bool kFirst, class Storage>
struct RegionVariant {
  static constexpr RegionPath kPath = kRegionPath;
  static constexpr bool kPlain = kPath == RegionPath::kPlainSoftmax;
  static constexpr bool kChannelsFirst = kFirst;
  static constexpr int kResidentBlocks = kPlain ? kResidentRegionBlocks : kResidentRegionBlocks - 1;
  using T = Storage;
};

/// launch(RegionVariant<...>{}) for a pass over elements of type T.
template <class T, class Launch>
cudaError_t with_variant(RegionPath path, bool channels_first, const Launch& launch) {
  const auto of_path = [&]<RegionPath kPath>() {
    return channels_first ? launch(RegionVariant<kPath, true, T>{}) : launch(RegionVariant<kPath, false, T>{});
  };
  switch (path) {
    case RegionPath::kPlainSoftmax: return of_path.template operator()<RegionPath::kPlainSoftmax>();
    case RegionPath::kSoftmax: return of_path.template operator()<RegionPath::kSoftmax>();
    default: return of_path.template operator()<RegionPath::kEach>();
  }
}

template <class Variant>
struct RegionTile {
  static constexpr bool kChannelsFirst = Variant::kChannelsFirst;

  __device__ explicit RegionTile(const RegionPass& p)
      : pass(p),
        r(p.request),
        team(p.tiling.pixels),
        classes(static_cast<int>(p.shape.classes)),
        pixels(p.tiling.pixels),
        pitch(p.tiling.pitch),
        numbers_(ptx::shared_arena<float>()),
        planes_(numbers_ + p.tiling.pixel_size) {
    if constexpr (!Variant::kPlain) {
      const RegionTiling& t = p.tiling;
      if (t.in_workspace()) planes_ = reinterpret_cast<float*>(p.workspace + blockIdx.x * t.workspace_bytes);
    }
  }

  __device__ void move_to(int64_t to_image, int64_t tile) {
    image = to_image;
    first = tile * pixels;
    count = static_cast<int>(min(int64_t{pixels}, r.pixels - first));
  }

  /// Where pixel i of class c is in a plane, and in memory.
  __device__ int at(int c, int i) const { return kChannelsFirst ? c * pitch + i : i * pitch + c; }
  __device__ int64_t offset(int c, int i) const {
    const int64_t pixel = first + i;
    return kChannelsFirst ? (image * r.classes + c) * r.pixels + pixel : (image * r.pixels + pixel) * r.classes + c;
  }

  __device__ bool has_labels() const { return !Variant::kPlain && r.soft_targets; }
  __device__ float* predictions() const { return planes_; }
  __device__ float* labels() const { return planes_ + pass.tiling.plane_size; }
  __device__ float& prediction(int c, int i) const { return planes_[at(c, i)]; }
  __device__ float label(int c, int i) const { return has_labels() ? labels()[at(c, i)] : id(i) == c; }

  /// Pixels i to i + 3 of class c.
  __device__ void read_four_of(const float* plane, int c, int i, float (&to)[4]) const {
    if constexpr (kChannelsFirst) {
      read_four(plane + at(c, i), to);
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) to[k] = plane[at(c, i + k)];
    }
  }

  // Numbers of pixels.
  __device__ float& weight(int i) const { return numbers_[i]; }
  __device__ float& scale(int i) const { return numbers_[pixels + i]; }
  __device__ float& scale_low(int i) const { return numbers_[2 * pixels + i]; }  // what rounding took off the scale
  __device__ int32_t& id(int i) const { return reinterpret_cast<int32_t*>(numbers_)[3 * pixels + i]; }  // -1: none
  __device__ float& mean(int i) const { return numbers_[4 * pixels + i]; }
  __device__ float& pull(int i) const { return numbers_[5 * pixels + i]; }
  __device__ float& own(int i) const { return numbers_[6 * pixels + i]; }
  __device__ float& most(int i) const { return numbers_[7 * pixels + i]; }
  static_assert(kPixelLines == 8);
  // What each thread of a pixel's team has of two sums.
  __device__ double& partial(int part, int i) const { return partials()[part * pixels + i]; }
  __device__ double& partial_mean(int part, int i) const { return partial(team.parts + part, i); }
  __device__ double* partials() const { return reinterpret_cast<double*>(numbers_ + kPixelLines * pixels); }

  __device__ double sum(int i) const { return sum_of(&partial(0, i)); }
  __device__ double sum_mean(int i) const { return sum_of(&partial_mean(0, i)); }

  /// each(c) for the classes of a pixel that are this thread's; and after a few of them, which may be added up in
  /// float, together().
  template <class Each, class Together>
  __device__ void walk_classes(const Each& each, const Together& together) const {
    constexpr int kTogether = 4;
    for (int begin = team.part; begin < classes; begin += kTogether * team.parts) {
#pragma unroll
      for (int k = 0; k < kTogether; ++k) {
        const int c = begin + k * team.parts;
        if (c < classes) each(c);
      }
      together();
    }
  }

  /// [class_sums, parts, classes], each its thread's own.
  __device__ double* class_sums() const {
    return reinterpret_cast<double*>(planes_ + (has_labels() ? 2 : 1) * pass.tiling.plane_size);
  }

  /// Scales by `factor` over the sum of a pixel's exponentials, in two parts: what they are multiplied with is rounded
  /// once, as if it had been divided.
  __device__ void set_scale(int i, float factor, double sum) const {
    const float high = static_cast<float>(sum), low = static_cast<float>(sum - high);
    const float inverse = 1 / high, rest = (fmaf(-high, inverse, 1.f) - low * inverse) * inverse;
    scale(i) = factor * inverse;
    scale_low(i) = fmaf(factor, inverse, -scale(i)) + factor * rest;
  }
  __device__ static float scaled(float e, float scale, float scale_low) { return fmaf(e, scale, e * scale_low); }

  /// Weights and class ids. Pixels beyond the image's end weigh nothing, nor does one whose id is no class, which is
  /// told to `bad`.
  template <class Bad>
  __device__ void load_pixels(const Bad& bad) const {
    const RegionTargets targets(r);
    for (int i = threadIdx.x; i < pixels; i += kRegionThreads) {
      const int64_t pixel = image * r.pixels + first + i;
      int64_t target = RegionTargets::kNone;
      if (i < count && !has_labels()) target = targets.id(pixel);
      if (target == RegionTargets::kBad) bad(pixel);
      id(i) = target < 0 ? -1 : static_cast<int32_t>(target);
      weight(i) = i < count && (has_labels() || target >= 0) ? targets.weight(pixel) : 0;
      scale(i) = scale_low(i) = 0;
    }
  }

  const RegionPass& pass;
  const RegionsRequest& r;
  const PixelTeam team;
  const int classes, pixels, pitch;
  int64_t image = 0, first = 0;
  int count = 0;  // pixels of the tile, which at the image's end are fewer than `pixels`

 private:
  __device__ double sum_of(const double* of_parts) const {
    double sum = *of_parts;
    for (int part = 1; part < team.parts; ++part) sum += of_parts[part * pixels];
    return sum;
  }

  float* numbers_;  // [kPixelLines, pixels], and two for each part of a team
  float* planes_;
};

}  // namespace cutloss::cuda
