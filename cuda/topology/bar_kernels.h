// The kernels over bars. A voxel is an end of few cells, so slopes are gathered and not added up by atomics: each cell
// of the prediction has one bar at most, and each voxel asks the cells around it in a fixed order.
#pragma once

#include "cuda/parallel/block.h"
#include "cuda/topology/bars.h"

namespace cutloss::cuda {

/// The part of an item that a block of a launch with slices takes.
template <class Fields>
struct Slice {
  uint32_t item, begin, end;

  __device__ Slice(const Fields& fields, int slices) {
    const uint32_t slice = blockIdx.x % slices, size = (fields.places() + slices - 1) / slices;
    item = blockIdx.x / slices;
    begin = slice * size < fields.places() ? slice * size : fields.places();
    end = begin + size < fields.places() ? begin + size : fields.places();
  }
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
    for (uint32_t place = begin + threadIdx.x; place < end; place += kBlockThreads) visit(place);
  }
};

template <class G>
__device__ __forceinline__ uint32_t node_of(const G& graph, uint32_t item, uint32_t which, uint32_t place) {
  return (item * graph.fields.per_item + which) * graph.fields.places() + place;
}

template <class G>
__global__ void __launch_bounds__(kBlockThreads) match_kernel(const __grid_constant__ BarPass<G> pass) {
  const uint32_t places = pass.graph.fields.places();
  for_each_in_chunk(pass.graph.fields.items * places, [&](uint32_t i) {
    const uint32_t compared = node_of(pass.graph, i / places, kComparison, i % places);
    if (pass.deaths.joint[compared] == kNone) return;
    const uint32_t first = pass.deaths.image[compared - 2 * places], second = pass.deaths.image[compared - places];
    if (first == kNone || second == kNone) return;
    if (pass.deaths.joint[first] == kNone || pass.deaths.joint[second] == kNone) return;
    pass.mates[first] = second;
    pass.mates[second] = first;
  });
}

template <class G>
void match_bars(Sequence& sequence, const BarPass<G>& pass) {
  const auto& fields = pass.graph.fields;
  sequence.fill(pass.mates, 0xff, size_t{4} * fields.nodes());
  sequence.run(match_kernel<G>, sequence.blocks_for(uint64_t{fields.items} * fields.places()), 0, pass);
}

// ---- loss and slopes

template <class G>
__device__ __forceinline__ BarValues values_of(const BarPass<G>& pass, uint32_t node) {
  const uint32_t* ranks = pass.graph.fields.ranks;
  const uint32_t joint = pass.deaths.joint[node];
  return {math::value_of_rank(ranks[pass.graph.birth(node, joint)]),
          math::value_of_rank(ranks[pass.graph.death(node, joint)])};
}

template <class G>
__device__ math::BarTerms terms_of_prediction(const BarPass<G>& pass, uint32_t node, uint32_t mate) {
  const BarValues own = values_of(pass, node);
  if (mate != kNone) {
    const BarValues other = values_of(pass, mate);
    return math::pull(own.birth, own.death, other.birth, other.death);
  }
  return terms_of_unmatched(pass.matching, own);
}

template <class G>
__global__ void __launch_bounds__(kBlockThreads) score_kernel(const __grid_constant__ BarPass<G> pass) {
  const Slice slice(pass.graph.fields, pass.slices);
  const uint32_t places = pass.graph.fields.places();
  const bool target_counts = static_cast<UnmatchedTarget>(pass.matching.unmatched_target) == UnmatchedTarget::kCount;
  ItemSums sums = {0, 0};
  slice.for_each([&](uint32_t place) {
    const uint32_t node = node_of(pass.graph, slice.item, kPrediction, place), other = node + places;
    const uint32_t joint = pass.deaths.joint[node];
    if (joint != kNone) {
      const uint32_t mate = pass.mates[node];
      const math::BarTerms terms = terms_of_prediction(pass, node, mate);
      sums.loss += terms.value;
      sums.unmatched += mate == kNone;
      if (pass.slopes) {
        const int64_t first = int64_t{slice.item} * places;
        const uint32_t local = joint - node_of(pass.graph, slice.item, kPrediction, 0) * G::kTypes;
        pass.node_slopes[first + place] = G::kDual ? terms.death_slope : terms.birth_slope;
        pass.joint_slopes[first * G::kTypes + local] = G::kDual ? terms.birth_slope : terms.death_slope;
      }
    }
    if (pass.deaths.joint[other] == kNone || pass.mates[other] != kNone) return;
    ++sums.unmatched;
    const BarValues values = values_of(pass, other);
    if (target_counts) sums.loss += math::shrink(values.birth, values.death).value;
  });
  Together together;
  sums.loss = together.sum(sums.loss);
  sums.unmatched = together.sum(sums.unmatched);
  if (threadIdx.x == 0) pass.sums[blockIdx.x] = sums;
}

/// Every voxel asks the cells that may have it as the voxel at which they begin or end. Four blocks at a time: left to
/// itself, ptxas aims at 32 registers on sm_100 and spills.
template <class G>
__global__ void __launch_bounds__(kBlockThreads, 4) gather_slopes_kernel(const __grid_constant__ BarPass<G> pass) {
  using Joint = typename G::Joint;
  const auto& fields = pass.graph.fields;
  const uint32_t places = fields.places();
  for_each_in_chunk(fields.items * places, [&](uint32_t i) {
    const uint32_t item = i / places, place = i % places;
    const uint32_t voxel = node_of(pass.graph, item, kPrediction, place);
    if (fields.ranks[voxel] == math::kNever) return;
    const int64_t first = int64_t{item} * places;
    double slope = pass.slopes[first + place];
    for (int set = 0; set < Joint::kCorners; ++set) {
      const uint32_t offset = Joint::offset(fields.grid, set);
      const uint32_t node = voxel - offset;
      if (fields.ranks[node] == math::kNever) continue;
      const double of_node = pass.node_slopes[first + place - offset];
      if ((G::kDual || set == 0) && of_node != 0 && pass.graph.voxel_of_node(node) == voxel) slope += of_node;
      for (uint32_t type = 0; type < G::kTypes; ++type) {
        if (!Joint::has_corner(type, set)) continue;
        const double of_joint = pass.joint_slopes[(first + place - offset) * G::kTypes + type];
        if (of_joint != 0 && pass.graph.voxel_of_joint(node * G::kTypes + type) == voxel) slope += of_joint;
      }
    }
    pass.slopes[first + place] = slope;
  });
}

template <class G>
void score_bars(Sequence& sequence, const BarPass<G>& pass) {
  const auto& fields = pass.graph.fields;
  const uint64_t voxels = uint64_t{fields.items} * fields.places();
  if (pass.slopes) sequence.fill(pass.node_slopes, 0, sizeof(double) * voxels * (1 + G::kTypes));
  sequence.run(score_kernel<G>, static_cast<int>(fields.items) * pass.slices, Together::kSharedBytes, pass);
  if (pass.slopes) sequence.run(gather_slopes_kernel<G>, sequence.blocks_for(voxels), 0, pass);
}

// ---- bars

template <class G>
__global__ void __launch_bounds__(kBlockThreads)
    count_bars_kernel(const __grid_constant__ BarPass<G> pass, uint32_t which) {
  const Slice slice(pass.graph.fields, pass.slices);
  uint32_t mine = 0;
  slice.for_each(
      [&](uint32_t place) { mine += pass.deaths.joint[node_of(pass.graph, slice.item, which, place)] != kNone; });
  Together together;
  mine = together.sum(mine);
  if (threadIdx.x == 0) pass.block_counts[blockIdx.x] = mine;
}

template <class G>
__global__ void __launch_bounds__(kBlockThreads)
    place_bars_kernel(const __grid_constant__ BarPass<G> pass, uint32_t which) {
  const auto& fields = pass.graph.fields;
  const BarViews& views = pass.views[which];
  const Slice slice(fields, pass.slices);
  const float sign = pass.batch.sublevel ? 1.0f : -1.0f;
  const int64_t stretch = (pass.first_item + slice.item) * G::kAxes + pass.dimension;
  uint32_t before = 0;
  const uint32_t first_block = blockIdx.x - blockIdx.x % pass.slices;
  for (uint32_t block = first_block; block < blockIdx.x; ++block) before += pass.block_counts[block];
  Together together;
  for (uint32_t tile = slice.begin; tile < slice.end; tile += kBlockThreads) {
    const uint32_t place = tile + threadIdx.x;
    const uint32_t node = node_of(pass.graph, slice.item, which, place);
    const uint32_t joint = place < slice.end ? pass.deaths.joint[node] : kNone;
    uint32_t of_tile;
    const uint32_t number = before + together.flags_before(joint != kNone, &of_tile);
    before += of_tile;
    if (joint == kNone) continue;
    const int64_t at = stretch * pass.capacity + number;
    const uint32_t origin = node - place;
    const uint32_t birth = pass.graph.birth(node, joint), death = pass.graph.death(node, joint);
    pass.numbers[node] = number;
    views.birth.template as<float>()[at] = sign * math::value_of_rank(fields.ranks[birth]) + 0.0f;
    views.death.template as<float>()[at] = sign * math::value_of_rank(fields.ranks[death]) + 0.0f;
    views.birth_index.template as<int32_t>()[at] =
        static_cast<int32_t>(voxel_number(pass.batch, fields.grid, birth - origin));
    views.death_index.template as<int32_t>()[at] =
        static_cast<int32_t>(voxel_number(pass.batch, fields.grid, death - origin));
  }
  const bool last = blockIdx.x % pass.slices + 1 == static_cast<uint32_t>(pass.slices);
  if (last && threadIdx.x == 0) views.counts.template as<int32_t>()[stretch] = static_cast<int32_t>(before);
}

template <class G>
__global__ void __launch_bounds__(kBlockThreads) partners_kernel(const __grid_constant__ BarPass<G> pass) {
  const uint32_t places = pass.graph.fields.places();
  for_each_in_chunk(pass.graph.fields.items * places, [&](uint32_t i) {
    const uint32_t item = i / places, node = node_of(pass.graph, item, kPrediction, i % places);
    if (pass.deaths.joint[node] == kNone) return;
    const int64_t stretch = (pass.first_item + item) * G::kAxes + pass.dimension;
    const uint32_t mate = pass.mates[node];
    pass.matching.partner.template as<int32_t>()[stretch * pass.capacity + pass.numbers[node]] =
        mate == kNone ? -1 : static_cast<int32_t>(pass.numbers[mate]);
  });
}

template <class G>
__global__ void __launch_bounds__(kBlockThreads)
    add_bar_counts_kernel(const __grid_constant__ BarPass<G> pass, const __grid_constant__ Counting counting) {
  const Slice slice(pass.graph.fields, pass.slices);
  int mine = 0;
  slice.for_each(
      [&](uint32_t place) { mine += pass.deaths.joint[node_of(pass.graph, slice.item, 0, place)] != kNone; });
  Together together;
  mine = together.sum(mine);
  if (threadIdx.x > 0) return;
  const bool has_eldest = counting.and_eldest && counting.earliest[2 * slice.item] == counting.inside;
  if (has_eldest && blockIdx.x % pass.slices == 0) ++mine;
  int32_t* numbers = counting.numbers + int64_t{slice.item} * G::kAxes;
  if (counting.dimension >= 0) atomicAdd(numbers + counting.dimension, mine);
  if (counting.in_loops) atomicAdd(numbers + 1, mine);
}

template <class G>
void count_bars(Sequence& sequence, const BarPass<G>& pass, const Counting& counting) {
  const int blocks = static_cast<int>(pass.graph.fields.items) * pass.slices;
  sequence.run(add_bar_counts_kernel<G>, blocks, Together::kSharedBytes, pass, counting);
}

template <class G>
void write_bars(Sequence& sequence, const BarPass<G>& pass) {
  const auto& fields = pass.graph.fields;
  const int blocks = static_cast<int>(fields.items) * pass.slices;
  for (uint32_t which = 0; which < (fields.per_item == 1 ? 1u : 2u); ++which) {
    if (!pass.views[which].counts) continue;
    sequence.run(count_bars_kernel<G>, blocks, Together::kSharedBytes, pass, which);
    sequence.run(place_bars_kernel<G>, blocks, Together::kSharedBytes, pass, which);
  }
  if (fields.per_item > 1 && pass.matching.partner) {
    sequence.run(partners_kernel<G>, sequence.blocks_for(uint64_t{fields.items} * fields.places()), 0, pass);
  }
}

}  // namespace cutloss::cuda
