// Between memory and a tile's planes: vectors of 16 bytes where memory is aligned for them, neighbouring threads taking
// neighbouring vectors, single elements otherwise.
#pragma once

#include <type_traits>

#include "cuda/regions/tile.h"
#include "cuda/vectors.h"

namespace cutloss::cuda {

template <class T>
__device__ __forceinline__ float to_float(T x) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<float>(x);
  } else {
    return math::widen(x);
  }
}

/// How a tile lies in memory: lines of neighbouring elements, one for each class where channels come first, else one
/// alone. A step is a thread's turn with a vector; steps of a line that has no vector are idle.
template <class Variant, class T>
class TileLines {
  static constexpr bool kChannelsFirst = Variant::kChannelsFirst;

 public:
  static constexpr int kVector = kPerVector<T>;

  struct Place {
    int line, vector;
  };

  __device__ TileLines(const RegionTile<Variant>& tile, const T* from)
      : tile_(tile), pitch_(kChannelsFirst ? tile.r.pixels : 0) {
    const bool aligned =
        reinterpret_cast<uintptr_t>(from) % 16 == 0 && (!kChannelsFirst || tile.r.pixels % kVector == 0);
    length_ = kChannelsFirst ? tile.count : tile.count * tile.classes;
    vectors_ = aligned ? length_ / kVector : 0;
    shift_ = kChannelsFirst ? 31 - __clz(tile.pixels / kVector) : 31;
    steps_ = kChannelsFirst && aligned ? tile.classes << shift_ : vectors_;
  }

  __device__ int steps() const { return steps_; }
  __device__ Place place(int step) const {
    if (kChannelsFirst) return {step >> shift_, step & ((1 << shift_) - 1)};
    return {0, step};
  }
  __device__ bool is_idle(int step, Place place) const { return step >= steps_ || place.vector >= vectors_; }

  /// In memory, in elements from the tile's first.
  __device__ int64_t offset(int line, int n) const { return line * pitch_ + n; }

  /// visit(line, n) for each element that no vector holds.
  template <class Visit>
  __device__ void for_each_single(const Visit& visit) const {
    const int held = vectors_ * kVector, rest = length_ - held;
    if (rest == 0) return;
    const int lines = kChannelsFirst ? tile_.classes : 1;
    for (int line = 0; line < lines; ++line) {
      for (int n = threadIdx.x; n < rest; n += kRegionThreads) visit(line, held + n);
    }
  }

  /// one(k, at) for each element of a vector that begins with n: where it is in a plane. Or four(k, at) for four of
  /// them that are neighbours there too.
  template <class Four, class One>
  __device__ void for_each_of_vector(int line, int n, const Four& four, const One& one) const {
    if (kChannelsFirst || tile_.pitch == tile_.classes) {
      const int at = line * tile_.pitch + n;
#pragma unroll
      for (int k = 0; k < kVector; k += 4) {
        if constexpr (kVector % 4 == 0) {
          four(k, at + k);
        } else {
          one(k, at + k), one(k + 1, at + k + 1);
        }
      }
      return;
    }
    int pixel = pixel_of(n), c = n - pixel * tile_.classes;
#pragma unroll
    for (int k = 0; k < kVector; ++k) {
      one(k, n + k + pixel);  // a pixel's line is one longer than its classes
      if (++c == tile_.classes) c = 0, ++pixel;
    }
  }

  /// Where element n of a line is in a plane.
  __device__ int at(int line, int n) const {
    if (kChannelsFirst) return line * tile_.pitch + n;
    return tile_.pitch == tile_.classes ? n : n + pixel_of(n);
  }

 private:
  __device__ int pixel_of(int n) const { return __umulhi(n, tile_.pass.class_reciprocal); }

  const RegionTile<Variant>& tile_;
  int64_t pitch_;
  int length_, vectors_, shift_, steps_;
};

/// A plane of map(x) for every element x of the tile; zeroes fill its last group of four pixels. A thread has kInFlight
/// vectors on their way: four hide the memory's latency where registers allow.
template <int kInFlight, class Variant, class T, class Map>
__device__ __forceinline__ void load_plane(const RegionTile<Variant>& tile, const T* tensor, float* plane,
                                           const Map& map) {
  using Lines = TileLines<Variant, T>;
  const T* from = tensor + tile.offset(0, 0);
  const Lines lines(tile, from);
  for (int first = threadIdx.x; first < lines.steps(); first += kInFlight * kRegionThreads) {
    uint4 raw[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int step = first + u * kRegionThreads;
      const typename Lines::Place place = lines.place(step);
      if (lines.is_idle(step, place)) continue;
      raw[u] = *reinterpret_cast<const uint4*>(from + lines.offset(place.line, place.vector * Lines::kVector));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int step = first + u * kRegionThreads;
      const typename Lines::Place place = lines.place(step);
      if (lines.is_idle(step, place)) continue;
      T elements[Lines::kVector];
      memcpy(elements, &raw[u], sizeof raw[u]);
      float x[Lines::kVector];
#pragma unroll
      for (int k = 0; k < Lines::kVector; ++k) x[k] = map(to_float(elements[k]));
      lines.for_each_of_vector(
          place.line, place.vector * Lines::kVector,
          [&](int k, int at) {
            *reinterpret_cast<float4*>(plane + at) = {x[k], x[k + 1], x[k + 2], x[k + 3]};
          },
          [&](int k, int at) { plane[at] = x[k]; });
    }
  }
  lines.for_each_single(
      [&](int line, int n) { plane[lines.at(line, n)] = map(to_float(from[lines.offset(line, n)])); });
  const int beyond = -tile.count & 3;
  for (int u = threadIdx.x; u < beyond * tile.classes; u += kRegionThreads) {
    plane[tile.at(u / beyond, tile.count + u % beyond)] = 0;
  }
}

template <class Variant>
__device__ __forceinline__ void load_labels(const RegionTile<Variant>& tile) {
  if (!tile.has_labels()) return;
  const View& targets = tile.r.targets;
  const auto load = [&](const auto* tensor) { load_plane<1>(tile, tensor, tile.labels(), [](float y) { return y; }); };
  switch (targets.dtype) {
    case DType::kFloat32: return load(targets.as<const float>());
    case DType::kFloat16: return load(targets.as<const Half>());
    case DType::kBFloat16: return load(targets.as<const BFloat16>());
    case DType::kInt32: return load(targets.as<const int32_t>());
    case DType::kInt64: return load(targets.as<const int64_t>());
    default: return load(targets.as<const uint8_t>());
  }
}

/// The plane of predictions, by now their gradient, to memory.
template <class Variant, class T>
__device__ __forceinline__ void store_plane(const RegionTile<Variant>& tile, T* tensor) {
  using Lines = TileLines<Variant, T>;
  const float* plane = tile.predictions();
  T* to = tensor + tile.offset(0, 0);
  const Lines lines(tile, to);
  for (int step = threadIdx.x; step < lines.steps(); step += kRegionThreads) {
    const typename Lines::Place place = lines.place(step);
    if (lines.is_idle(step, place)) continue;
    float x[Lines::kVector];
    lines.for_each_of_vector(
        place.line, place.vector * Lines::kVector,
        [&](int k, int at) {
          const float4 v = *reinterpret_cast<const float4*>(plane + at);
          x[k] = v.x, x[k + 1] = v.y, x[k + 2] = v.z, x[k + 3] = v.w;
        },
        [&](int k, int at) { x[k] = plane[at]; });
    ptx::store_streaming(reinterpret_cast<uint4*>(to + lines.offset(place.line, place.vector * Lines::kVector)),
                         narrow_vector(x, T{}));
  }
  lines.for_each_single([&](int line, int n) { math::narrow(plane[lines.at(line, n)], to + lines.offset(line, n)); });
}

}  // namespace cutloss::cuda
