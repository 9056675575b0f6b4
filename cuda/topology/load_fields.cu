// Two launches: the first ranks every voxel, notes what is no number and each field's earliest rank; the second fills
// the padding with that, and the comparison.
#include "cuda/topology/load_fields.h"

#include "cuda/parallel/block.h"

namespace cutloss::cuda {
inline namespace in_load_fields {

__device__ float value_at(const View& view, int64_t i) {
  switch (view.dtype) {
    case DType::kFloat32: return view.as<const float>()[i];
    case DType::kFloat16: return math::widen(view.as<const Half>()[i]);
    case DType::kBFloat16: return math::widen(view.as<const BFloat16>()[i]);
    case DType::kInt32: return static_cast<float>(view.as<const int32_t>()[i]);
    case DType::kInt64: return static_cast<float>(view.as<const int64_t>()[i]);
    default: return static_cast<float>(view.as<const uint8_t>()[i]);
  }
}

/// Guards are kNever, the padding whatever it is until it is filled.
template <int kAxes>
__device__ uint32_t rank_at(const Loading<kAxes>& l, int which, int64_t item, int64_t voxel) {
  const int64_t i = (l.first_item + item) * l.batch.voxels() + voxel;
  float value = value_at(l.sources[which], i);
  if (value != value) {
    atomicMin(&l.report->first_bad[which], static_cast<Key>(i));
    return 0;
  }
  if (l.sigmoid && which == kPrediction) value = static_cast<float>(math::sigmoid(value));
  if (l.batch.binary) value = value > l.batch.threshold;
  return math::rank_of_value(l.batch.sublevel ? value : -value);
}

template <int kAxes>
__global__ void __launch_bounds__(kBlockThreads) rank_fields_kernel(const __grid_constant__ Loading<kAxes> l) {
  const Fields<kAxes>& f = l.fields;
  const uint32_t sources = f.per_item == 1 ? 1 : 2;
  for_each_in_chunk(f.items * f.places(), [&](uint32_t i) {
    const uint32_t item = i / f.places(), place = i % f.places();
    const int64_t voxel = voxel_number(l.batch, f.grid, place);
    for (uint32_t which = 0; which < sources; ++which) {
      uint32_t rank = math::kNever;
      if (voxel >= 0) {
        rank = rank_at(l, which, item, voxel);
        uint32_t* earliest = l.earliest + 2 * item + which;
        if (rank < *earliest) atomicMin(earliest, rank);
      }
      f.ranks[(item * f.per_item + which) * f.places() + place] = rank;
    }
  });
}

template <int kAxes>
__global__ void __launch_bounds__(kBlockThreads) pad_and_compare_kernel(const __grid_constant__ Loading<kAxes> l) {
  const Fields<kAxes>& f = l.fields;
  for_each_in_chunk(f.items * f.places(), [&](uint32_t i) {
    const uint32_t item = i / f.places(), place = i % f.places();
    uint32_t* ranks = f.ranks + item * f.per_item * f.places() + place;
    if (l.batch.closed && voxel_number(l.batch, f.grid, place) < 0 && is_voxel(f.grid, place)) {
      ranks[0] = l.earliest[2 * item];
      if (f.per_item > 1) ranks[f.places()] = l.earliest[2 * item + 1];
    }
    if (f.per_item == 1) return;
    const uint32_t first = ranks[0], second = ranks[f.places()];
    ranks[2 * f.places()] = first < second ? first : second;
  });
}

}  // namespace in_load_fields

template <int kAxes>
void load_fields(Sequence& sequence, const Loading<kAxes>& loading) {
  const Fields<kAxes>& f = loading.fields;
  const int blocks = sequence.blocks_for(uint64_t{f.items} * f.places());
  sequence.fill(loading.report, 0xff, sizeof(LoadReport));
  sequence.fill(loading.earliest, 0xff, size_t{8} * f.items);
  sequence.run(rank_fields_kernel<kAxes>, blocks, 0, loading);
  if (f.per_item > 1 || loading.batch.closed) sequence.run(pad_and_compare_kernel<kAxes>, blocks, 0, loading);
}

template void load_fields<2>(Sequence&, const Loading<2>&);
template void load_fields<3>(Sequence&, const Loading<3>&);

}  // namespace cutloss::cuda
