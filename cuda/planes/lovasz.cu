#include "cuda/planes/lovasz.h"

#include "cuda/planes/slice.h"
#include "math/float16.h"

namespace cutloss::cuda {
inline namespace in_lovasz {

constexpr int kSizeBits = 31;  // of a float without its sign

/// Some regions of a request, and their elements in order.
struct SortedRegions {
  RegionPlanes planes;
  int64_t first;          // of the regions
  const uint32_t* order;  // [regions, region_size()], numbers of elements from that region's first
  math::JaccardSums* changes;
  PlaneParts parts;
  bool weighted;

  __device__ int64_t size() const { return planes.region_size(); }
};

struct Element {
  int64_t at;  // in the planes
  float difference;
  double pixel_weight, class_weight, y;

  __device__ double weight() const { return pixel_weight * class_weight; }

  __device__ static Element read(const SortedRegions& s, int unit, int64_t place) {
    const RegionPlanes& p = s.planes;
    Element e;
    e.at = s.first * s.size() + s.order[unit * s.size() + place];
    e.difference = p.predictions[e.at];
    const double sign = math::bits_of(e.difference) >> 31;
    if (!s.weighted) {
      e.pixel_weight = e.class_weight = 1;
      e.y = sign;
      return e;
    }
    e.pixel_weight = p.weights ? p.weights[p.image_of(e.at) * p.pixels + e.at % p.pixels] : 1;
    e.class_weight = p.class_weight(e.at);
    e.y = p.labels ? p.labels[e.at] : sign;
    return e;
  }
};

/// Keys ascend as sizes descend.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    number_elements_kernel(const float* differences, uint32_t count, Pairs pairs) {
  for_each_in_chunk(count, [&](uint32_t i) {
    pairs.keys[i] = ~math::bits_of(differences[i]) & 0x7fffffff;
    pairs.values[i] = i;
  });
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    number_regions_kernel(uint32_t count, uint32_t size, Pairs pairs) {
  for_each_in_chunk(count, [&](uint32_t i) { pairs.keys[i] = pairs.values[i] / size; });
}

/// What each slice changes about the sums.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks) sum_changes_kernel(const SortedRegions s) {
  const Slice slice = Slice::of_block(s.size(), s.parts.slices);
  math::JaccardSums change = {};
  slice.for_each([&](int64_t place) {
    const Element e = Element::read(s, slice.unit, place);
    change.intersection -= e.weight() * e.y;
    change.all += e.weight() * (1 - e.y);
  });
  Together together;
  change.intersection = together.sum(change.intersection);
  change.all = together.sum(change.all);
  if (threadIdx.x == 0) s.changes[blockIdx.x] = change;
}

/// The sums where a slice begins.
__device__ math::JaccardSums sums_before(const SortedRegions& s, const Slice& slice, Together* together) {
  const math::JaccardSums* changes = s.changes + int64_t{slice.unit} * s.parts.slices;
  double target = 0, taken = 0, added = 0;
  for (int k = threadIdx.x; k < s.parts.slices; k += kBlockThreads) {
    target -= changes[k].intersection;
    if (k >= slice.number) continue;
    taken -= changes[k].intersection;
    added += changes[k].all;
  }
  target = together->sum(target);
  taken = together->sum(taken);
  added = together->sum(added);
  return {target - taken, target + added};
}

/// A thread for each element of a tile, whose changes go in order.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks) take_slopes_kernel(const SortedRegions s) {
  const Slice slice = Slice::of_block(s.size(), s.parts.slices);
  Together together;
  math::JaccardSums before = sums_before(s, slice, &together);
  math::PlaneSums loss = {};
#pragma unroll 1
  for (int64_t tile = slice.begin; tile < slice.end; tile += kBlockThreads) {
    const int64_t place = tile + threadIdx.x;
    const bool there = place < slice.end;
    Element e = {};
    if (there) e = Element::read(s, slice.unit, place);
    double taken, added;
    const double taken_before = together.sum_before(e.weight() * e.y, &taken);
    const double added_before = together.sum_before(e.weight() * (1 - e.y), &added);
    if (there) {
      math::JaccardSums sums = {before.intersection - taken_before, before.all + added_before};
      const double slope = sums.join(e.weight(), e.y);
      loss.first += e.weight() * slope * std::fabs(double(e.difference));
      const bool agrees = e.difference == 0 && e.y > 0 && e.y < 1;  // at 0 and at 1 there is but one side
      s.planes.predictions[e.at] = agrees ? 0.f : copysignf(float(slope * e.class_weight), e.difference);
    }
    before.intersection -= taken;
    before.all += added;
  }
  __syncthreads();
  add_part(s.parts, s.first + slice.unit, slice.number, loss, 1);
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    scale_slopes_kernel(const RegionPlanes planes, int slices, const math::PlaneSums* slopes) {
  const Slice slice = Slice::of_block(planes.region_size(), slices);
  const float slope = static_cast<float>(slopes[slice.unit].first);
  float* plane = planes.predictions + slice.unit * planes.region_size();
  slice.for_each([&](int64_t i) { plane[i] = slope == 0 ? 0 : plane[i] * slope; });
}

}  // namespace in_lovasz

Status expect_lovasz_fits(const RegionPlanes& planes) noexcept {
  if (planes.region_size() <= UINT32_MAX) return {};
  return failure(Code::kShape, "Expected regions of fewer than 2^32 elements for lovasz but received %lld",
                 static_cast<long long>(planes.region_size()));
}

LovaszRoom LovaszRoom::cut(Cutter* cutter, const RegionPlanes& planes, int slices) {
  LovaszRoom room = {};
  room.regions = together(planes);
  const int64_t elements = room.regions * planes.region_size();
  for (Pairs* pairs : {&room.pairs, &room.other})
    *pairs = {cutter->take<uint32_t>(elements), cutter->take<uint32_t>(elements)};
  room.counts = cutter->take<uint32_t>(kSortCountsBytes / sizeof(uint32_t));
  room.changes = cutter->take<math::JaccardSums>(room.regions * slices);
  return room;
}

void lovasz_forward(Sequence& sequence, const RegionPlanes& planes, LovaszRoom room, const PlaneParts& parts) {
  const int64_t size = planes.region_size();
  const bool weighted = planes.weights || planes.labels || planes.class_weights;
  for (int64_t first = 0; first < planes.region_count; first += room.regions) {
    const int64_t regions = std::min(room.regions, planes.region_count - first);
    const auto count = static_cast<uint32_t>(regions * size);
    const int blocks = sequence.blocks_for(count);
    sequence.run(number_elements_kernel, blocks, 0, planes.predictions + first * size, count, room.pairs);
    sort_pairs(sequence, &room.pairs, &room.other, count, kSizeBits, room.counts);
    if (regions > 1) {
      sequence.run(number_regions_kernel, blocks, 0, count, static_cast<uint32_t>(size), room.pairs);
      sort_pairs(sequence, &room.pairs, &room.other, count, bits_of_count(regions - 1), room.counts);
    }
    const SortedRegions sorted = {planes, first, room.pairs.values, room.changes, parts, weighted};
    const int all = static_cast<int>(regions) * parts.slices;
    sequence.run(sum_changes_kernel, all, Together::kSharedBytes, sorted);
    sequence.run(take_slopes_kernel, all, Together::kSharedBytes, sorted);
  }
}

void lovasz_backward(Sequence& sequence, const RegionPlanes& planes, const PlaneParts& parts,
                     const math::PlaneSums* slopes) {
  sequence.run(scale_slopes_kernel, static_cast<int>(planes.region_count) * parts.slices, 0, planes, parts.slices,
               slopes);
}

}  // namespace cutloss::cuda
