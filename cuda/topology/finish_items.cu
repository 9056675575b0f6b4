// The end of Betti matching: every item's loss, in a fixed order, and the gradient in the caller's layout and dtype.
#include "cuda/parallel/block.h"
#include "cuda/topology/bars.h"

namespace cutloss::cuda {
inline namespace in_finish_items {

template <int kAxes>
__global__ void __launch_bounds__(kBlockThreads) add_up_items_kernel(const __grid_constant__ Finish<kAxes> finish) {
  for_each_in_chunk(finish.fields.items, [&](uint32_t item) {
    ItemSums all = {0, 0};
    for (int dimension = 0; dimension < finish.dimensions; ++dimension) {
      const ItemSums* of_item = finish.sums + (int64_t{dimension} * finish.fields.items + item) * finish.slices;
      for (int slice = 0; slice < finish.slices; ++slice) {
        all.loss += of_item[slice].loss;
        all.unmatched += of_item[slice].unmatched;
      }
    }
    const MatchingRequest& r = finish.matching;
    finish.losses[finish.first_item + item] = all.loss;
    if (r.per_item) r.per_item.as<float>()[finish.first_item + item] = static_cast<float>(all.loss);
    if (r.errors) r.errors.as<int32_t>()[finish.first_item + item] = static_cast<int32_t>(all.unmatched);
  });
}

template <class T, int kAxes>
__global__ void __launch_bounds__(kBlockThreads) write_gradient_kernel(const __grid_constant__ Finish<kAxes> finish) {
  const MatchingRequest& r = finish.matching;
  const uint32_t places = finish.fields.places();
  for_each_in_chunk(finish.fields.items * places, [&](uint32_t i) {
    const int64_t item = finish.first_item + i / places;
    const int64_t voxel = voxel_number(r, finish.fields.grid, i % places);
    if (voxel < 0) return;
    const int64_t at = item * r.voxels() + voxel;
    double slope = finish.slopes[i];
    if (finish.loop_slopes) slope += finish.loop_slopes[at - finish.first_item * r.voxels()];
    double value = 0;
    if (slope != 0) {  // an upstream of infinity touches bars alone
      value = (r.sublevel ? finish.scale : -finish.scale) * slope;
      if (r.upstream) value *= r.upstream.template as<const float>()[item];
      if (r.sigmoid) {
        const double x = math::widen(r.prediction.template as<const T>()[at]);
        value *= math::sigmoid(x) * math::sigmoid(-x);
      }
    }
    math::narrow(static_cast<float>(value), r.gradient.template as<T>() + at);
  });
}

template <class Cells>
__device__ int count_inside(const Fields<3>& fields, uint32_t voxel, uint32_t inside) {
  int count = 0;
  for (int type = 0; type < Cells::kTypes; ++type) {
    count += Cells::rank(fields.grid, fields.ranks, voxel, type) == inside;
  }
  return count;
}

__global__ void __launch_bounds__(kBlockThreads)
    subtract_euler_kernel(const __grid_constant__ Fields<3> fields, const __grid_constant__ Counting counting) {
  for_each_in_chunk(fields.nodes(), [&](uint32_t voxel) {
    if (fields.ranks[voxel] != counting.inside) return;
    const int euler = 1 - count_inside<math::Edges<3>>(fields, voxel, counting.inside) +
                      count_inside<math::Walls<3>>(fields, voxel, counting.inside) -
                      count_inside<math::TopCells<3>>(fields, voxel, counting.inside);
    if (euler != 0) atomicAdd(counting.numbers + int64_t{voxel / fields.places()} * 3 + 1, -euler);
  });
}

}  // namespace in_finish_items

void subtract_euler(Sequence& sequence, const Fields<3>& fields, const Counting& counting) {
  sequence.run(subtract_euler_kernel, sequence.blocks_for(fields.nodes()), 0, fields, counting);
}

template <int kAxes>
void finish_items(Sequence& sequence, const Finish<kAxes>& finish) {
  const Fields<kAxes>& f = finish.fields;
  sequence.run(add_up_items_kernel<kAxes>, sequence.blocks_for(f.items), 0, finish);
  if (!finish.slopes) return;
  const int blocks = sequence.blocks_for(uint64_t{f.items} * f.places());
  switch (finish.matching.gradient.dtype) {
    case DType::kFloat16: return sequence.run(write_gradient_kernel<Half, kAxes>, blocks, 0, finish);
    case DType::kBFloat16: return sequence.run(write_gradient_kernel<BFloat16, kAxes>, blocks, 0, finish);
    default: return sequence.run(write_gradient_kernel<float, kAxes>, blocks, 0, finish);
  }
}

template void finish_items<2>(Sequence&, const Finish<2>&);
template void finish_items<3>(Sequence&, const Finish<3>&);

}  // namespace cutloss::cuda
