// How the regions engine cuts its work, as pure functions. None depends on the number of threads, so neither do
// results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/regions.h"

namespace cutloss::cpu {

/// Arrays of a tile, [classes, pixels] of floats each: predictions; labels, if they are soft; and predictions and
/// labels as they lie in memory, where that is pixel by pixel.
struct RegionTiling {
  int64_t pixels;  // of a tile: whole vectors of every level; odd in quanta, or lines would meet in a cache's sets
  int planes;
  size_t scratch_bytes;
};

inline constexpr int64_t kTileQuantum = 64;         // pixels
inline constexpr int64_t kTileElements = 4 * 1024;  // of a plane: two threads share a first-level cache
inline constexpr int64_t kMostTilePixels = 960;
inline constexpr int kTileLines = 9;   // arrays of one number per pixel
inline constexpr int kClassLines = 6;  // sums per class, each a vector of doubles, and one of floats for a while
inline constexpr int kLaneLines = 4;   // vectors per class that say what the lanes of rows are
inline constexpr int kSlopeLines = 1;  // and one for the slopes, four classes at a time
inline constexpr int64_t kVectorBytes = 64;

constexpr RegionTiling tile_regions(const RegionsRequest& r) {
  RegionTiling t = {};
  const int64_t fit = kTileElements / r.classes / kTileQuantum * kTileQuantum;
  const int64_t image = (r.pixels + kTileQuantum - 1) / kTileQuantum * kTileQuantum;
  const int64_t pixels = std::clamp(std::min(fit, image), kTileQuantum, kMostTilePixels);
  t.pixels = pixels / kTileQuantum % 2 == 0 ? pixels - kTileQuantum : pixels;
  t.planes = 1 + (r.soft_targets != 0) + (r.channels_first == 0);
  const int64_t floats = t.pixels * (r.classes * t.planes + kTileLines) + kVectorBytes;
  t.scratch_bytes =
      size_t(floats) * sizeof(float) +
      size_t(r.classes) * (kClassLines * 3 + (r.channels_first ? 0 : kLaneLines + kSlopeLines)) * kVectorBytes;
  return t;
}

/// Whether the gradient is written past the caches: it is, once it would push out everything else.
constexpr bool streams_region_gradient(size_t bytes) { return bytes >= (size_t{4} << 20); }

/// Stretches that an image is cut into: enough of them to share out evenly, each with enough work (100,000 elements,
/// about 50 microseconds) that its sums cost nothing.
constexpr int64_t stretches_of_image(const RegionsRequest& r, const RegionTiling& t) {
  constexpr int64_t kWanted = 64, kLeastElements = 100'000;
  const int64_t tiles = (r.pixels + t.pixels - 1) / t.pixels;
  const int64_t by_work = r.pixels * r.classes / kLeastElements;
  const int64_t by_need = (kWanted + r.batch - 1) / std::max<int64_t>(1, r.batch);
  return std::max<int64_t>(1, std::min({tiles, by_work, by_need}));
}

}  // namespace cutloss::cpu
