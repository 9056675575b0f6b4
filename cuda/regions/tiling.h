// How the regions engine cuts its work on a GPU, as pure functions. A block takes tiles, runs of an image's pixels with
// all their classes, one after the other; a stretch is the tiles of one image that a block takes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "math/hd.h"

namespace cutloss::cuda {

inline constexpr int kRegionThreads = 256;
inline constexpr int kResidentRegionBlocks = 3;  // of a multiprocessor, at up to 85 registers for each thread
inline constexpr int kMostTilePixels = 1024;
inline constexpr int kLeastTilePixels = 16;  // one vector of every type
inline constexpr int kMostClassSums = 6;     // sums for each class: I, P, Y, and where wanted A, B, T
inline constexpr int kPixelLines = 8;        // numbers for each pixel of a tile
inline constexpr int64_t kMostRegionClasses = int64_t{1} << 24;

struct RegionShape {
  int64_t batch, pixels, classes;
  bool channels_first;
  bool soft_targets;
  bool tells_images_apart;
  int class_sums;  // kMostClassSums, or the first three
};

struct RegionTiling {
  int pixels;              // of a tile: a power of two
  int pitch;               // of a plane: from one class to the next where channels come first, else from pixel to pixel
  int parts;               // threads that share the moments of a class
  int64_t plane_size;      // floats; predictions have a plane, and so have soft targets
  int64_t sums_size;       // doubles: what each thread has added up of its classes
  int64_t pixel_size;      // floats: the lines of numbers for each pixel, and two that threads share
  size_t shared_bytes;     // of a block
  size_t workspace_bytes;  // of a block, instead, where there are too many classes
  int64_t tiles;           // of an image
  int64_t stretches;       // of an image
  int blocks;

  CUTLOSS_HD constexpr bool in_workspace() const { return workspace_bytes > 0; }
  CUTLOSS_HD constexpr int64_t units(const RegionShape& s) const { return s.batch * stretches; }
  CUTLOSS_HD constexpr int64_t first_tile(int64_t stretch) const { return tiles * stretch / stretches; }
  /// Rows of sums: one for each stretch where images are told apart, else one for each block.
  CUTLOSS_HD constexpr int64_t sum_rows(const RegionShape& s) const { return s.tells_images_apart ? units(s) : blocks; }
  CUTLOSS_HD constexpr int64_t sum_rows_of_image(const RegionShape& s) const {
    return s.tells_images_apart ? stretches : blocks;
  }
};

namespace region_tiling {

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Neighbouring threads meet neighbouring pixels of one class, or neighbouring classes of one pixel; either way the
/// pitch keeps them on different banks. Rows of pixels stay aligned for vectors of four.
constexpr void lay_out(RegionTiling* t, const RegionShape& s, int pixels) {
  const int planes = s.soft_targets ? 2 : 1;
  t->pixels = pixels;
  t->pitch = s.channels_first ? pixels + 4 : static_cast<int>(s.classes | 1);
  t->plane_size = divide_up(s.channels_first ? s.classes * t->pitch : int64_t{pixels} * t->pitch, 4) * 4;
  t->parts = static_cast<int>(std::clamp<int64_t>(kRegionThreads / s.classes, 1, std::max(1, pixels / 4)));
  t->sums_size = s.class_sums * s.classes * t->parts;
  t->pixel_size = kPixelLines * pixels + 4 * std::max(kRegionThreads, pixels);  // two lines of doubles for parts
  t->shared_bytes = t->sums_size * sizeof(double) + (planes * t->plane_size + t->pixel_size) * sizeof(float);
}

constexpr void choose_tile(RegionTiling* t, const RegionShape& s) {
  constexpr size_t kResident = 40 * 1024;  // leaves room for all that are to be resident, or for two on small GPUs
  constexpr size_t kMost = 96 * 1024;      // what every GPU gives to one
  constexpr int kSector = 32;              // fewer pixels of a class would read parts of sectors
  const bool fits_many = [&] {
    for (int pixels = kMostTilePixels; pixels >= kSector; pixels /= 2) {
      lay_out(t, s, pixels);
      if (t->shared_bytes <= kResident) return true;
    }
    return false;
  }();
  if (fits_many) return;
  for (int pixels = kSector; pixels >= kLeastTilePixels; pixels /= 2) {
    lay_out(t, s, pixels);
    if (t->shared_bytes <= kMost) return;
  }
  if (!s.channels_first) t->pitch = static_cast<int>(s.classes);  // no banks, no padding
  t->workspace_bytes = divide_up(t->shared_bytes - t->pixel_size * sizeof(float), 16) * 16;
  t->shared_bytes = t->pixel_size * sizeof(float);
}

}  // namespace region_tiling

constexpr RegionTiling tile_regions(const RegionShape& s, int multiprocessors) {
  RegionTiling t = {};
  region_tiling::choose_tile(&t, s);
  t.tiles = region_tiling::divide_up(s.pixels, t.pixels);
  int64_t blocks = int64_t{kResidentRegionBlocks} * multiprocessors;
  if (t.in_workspace()) {
    constexpr int64_t kMostWorkspace = int64_t{256} << 20;
    blocks = std::clamp<int64_t>(kMostWorkspace / static_cast<int64_t>(t.workspace_bytes), 1, blocks);
  }
  t.stretches = std::clamp<int64_t>(blocks / std::max<int64_t>(1, s.batch), 1, std::max<int64_t>(1, t.tiles));
  t.blocks = static_cast<int>(std::clamp<int64_t>(t.units(s), 1, blocks));
  return t;
}

}  // namespace cutloss::cuda
