// The policy of the kernels over regions: every tiling must be one that they can run.
#include "cuda/regions/tiling.h"

#include <initializer_list>

#include "test/native/check.h"

using namespace cutloss::cuda;

namespace {

void check(const RegionShape& s, int multiprocessors) {
  const RegionTiling t = tile_regions(s, multiprocessors);
  const int64_t planes = s.soft_targets ? 2 : 1;
  CHECK((t.pixels & (t.pixels - 1)) == 0 && t.pixels >= kLeastTilePixels && t.pixels <= kMostTilePixels);
  CHECK(t.pitch >= (s.channels_first ? t.pixels : s.classes));
  CHECK(t.plane_size >= s.classes * t.pixels && t.plane_size % 4 == 0);
  CHECK(t.plane_size <= INT32_MAX);  // a plane is walked by 32-bit numbers
  CHECK(t.parts >= 1 && t.parts <= t.pixels / 4 && (t.parts == 1 || t.parts * s.classes <= kRegionThreads));
  CHECK(t.sums_size == s.class_sums * t.parts * s.classes);
  CHECK(t.shared_bytes <= 96 * 1024);
  const size_t needed = planes * t.plane_size * sizeof(float) + t.sums_size * sizeof(double);
  CHECK(t.shared_bytes + t.workspace_bytes >= needed + t.pixel_size * sizeof(float));
  if (t.in_workspace()) {
    CHECK(t.workspace_bytes >= needed && t.workspace_bytes % 16 == 0);
  } else if (!s.channels_first) {
    CHECK(t.pitch % 2 == 1);  // which is what keeps threads on different banks
    CHECK(static_cast<double>(t.pixels) * static_cast<double>(s.classes) * static_cast<double>(s.classes) < 0x1p32);
  } else {
    CHECK(t.pitch % 32 == 4 || t.pitch % 32 == 20);
  }
  CHECK(t.blocks >= 1 && t.blocks <= kResidentRegionBlocks * multiprocessors);
  CHECK(t.stretches >= 1 && (t.stretches <= t.tiles || t.tiles == 0));
  CHECK(t.first_tile(0) == 0 && t.first_tile(t.stretches) == t.tiles);
  CHECK(t.sum_rows(s) == (s.tells_images_apart ? s.batch * t.stretches : t.blocks));
}

}  // namespace

int main() {
  for (const int64_t classes :
       {1, 2, 3, 4, 5, 8, 19, 31, 32, 104, 150, 256, 257, 512, 700, 1000, 1500, 70000, 1 << 24}) {
    for (const int64_t pixels : {1, 15, 16, 17, 4097, 512 * 1024, 128 * 128 * 128}) {
      for (const int64_t batch : {int64_t{1}, int64_t{4}, int64_t{100000}}) {
        for (const int options : {0, 1, 2, 3, 4, 5, 6, 7}) {
          const RegionShape shape = {batch,
                                     pixels,
                                     classes,
                                     (options & 1) != 0,
                                     (options & 2) != 0,
                                     (options & 4) != 0,
                                     options & 2 ? kMostClassSums : 3};
          for (const int multiprocessors : {1, 132}) check(shape, multiprocessors);
        }
      }
    }
  }
  const auto of = [](int64_t batch, int64_t pixels, int64_t classes) {
    return tile_regions({batch, pixels, classes, true, false, true, 3}, 132);
  };
  CHECK(of(4, 512 * 1024, 19).pixels == 256 && of(4, 512 * 1024, 19).stretches == 99);
  CHECK(of(2, 128 * 128 * 128, 4).pixels == 512);
  CHECK(!of(1, 4096, 512).in_workspace());
  CHECK(of(1, 4096, 70000).in_workspace());
  return cutloss::test::finish("region tiling");
}
