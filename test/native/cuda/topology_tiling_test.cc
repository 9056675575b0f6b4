// What the topology engine promises of sizes that no test runs: launches, and memory by its plan.
#include "cuda/topology/tiling.h"

#include <cmath>

#include "cuda/topology/workspace.h"
#include "test/native/check.h"

using namespace cutloss;
using namespace cutloss::cuda;

namespace {

/// The pointers of a path are at its root after jumps_for() launches that follow kHops each, and not one earlier.
void check_jumps() {
  for (const uint32_t count : {1u, 2u, 64u, 4096u, 4097u, 262144u, 262145u, 50'000'000u, 4'000'000'000u}) {
    double reach = 1;
    for (int jump = 0; jump < jumps_for(count); ++jump) reach *= kHops;
    CHECK(reach >= count);
    CHECK(jumps_for(count) == 2 || reach / kHops < count);
  }
}

uint64_t places_of(uint32_t side) {
  const uint32_t extents[2] = {side + 2, side + 2};  // with a closed border
  return math::Grid<2>::of(extents).places;
}

/// At most 400 for a batch of 1024 x 1024, and on top of what any batch takes no more than the square of the logarithm.
void check_launches() {
  CHECK(most_launches(places_of(1024), 3 * 16) <= 400);
  CHECK(most_launches(places_of(1024), 3 * 64) <= 400);
  for (uint32_t side = 16; side <= 8192; side *= 2) {
    for (const uint64_t items : {1, 16, 64}) {
      const double logarithm = std::log2(3.0 * static_cast<double>(items * places_of(side)));
      CHECK(static_cast<double>(most_launches(places_of(side), 3 * items)) <=
            most_launches(1, 1) + logarithm * logarithm);
    }
  }
}

template <int kAxes>
double bytes_per_voxel(int64_t items, uint32_t side, bool closed) {
  uint32_t extents[kAxes];
  for (uint32_t& extent : extents) extent = side + (closed ? 2 : 0);
  const Fields<kAxes> fields = {math::Grid<kAxes>::of(extents), static_cast<uint32_t>(items), 3, nullptr};
  const int slices = tile_each(fields.items, fields.places(), kItemsPerBlock, 132);
  const size_t bytes = Workspace<kAxes>::cut(nullptr, fields, items, slices, true).bytes;
  const double voxels = static_cast<double>(items) * std::pow(side, kAxes);
  std::printf("%ld x %u^%d%s: %.1f bytes a voxel\n", long(items), side, kAxes, closed ? ", closed" : "",
              static_cast<double>(bytes) / voxels);
  return (static_cast<double>(bytes) - static_cast<double>(kFixedTopologyBytes)) / voxels;
}

void check_memory() {
  for (const bool closed : {false, true}) {
    for (const int64_t items : {1, 16}) {
      for (const uint32_t side : {256, 512, 1024}) CHECK(bytes_per_voxel<2>(items, side, closed) <= 160);
    }
    for (const int64_t items : {1, 2}) {
      for (const uint32_t side : {64, 128}) CHECK(bytes_per_voxel<3>(items, side, closed) <= 320);
    }
  }
}

}  // namespace

int main() {
  check_jumps();
  check_launches();
  check_memory();
  return test::finish("topology tiling");
}
