// From the caller's fields to ranks on guarded grids: activation, threshold, sign and padding, and the comparison.
#pragma once

#include "cuda/parallel/sequence.h"
#include "cuda/topology/graph.h"
#include "engine/topology.h"

namespace cutloss::cuda {

struct LoadReport {
  Key first_bad[2];  // a voxel of all items that is not a number, of prediction (or field) and target; or kNoKey
};

/// Some items of a batch on their way to the grids.
template <int kAxes>
struct Loading {
  Fields<kAxes> fields;
  FieldBatch batch;
  View sources[2];  // prediction (or field) and target
  int64_t first_item;
  bool sigmoid;        // of the prediction
  uint32_t* earliest;  // [items, 2]: the least rank of each field
  LoadReport* report;
};

template <int kAxes>
math::Grid<kAxes> grid_of(const FieldBatch& batch) {
  const int64_t given[3] = {batch.depth, batch.height, batch.width};
  uint32_t extents[kAxes];
  for (int axis = 0; axis < kAxes; ++axis) {
    extents[axis] = static_cast<uint32_t>(given[3 - kAxes + axis] + (batch.closed ? 2 : 0));
  }
  return math::Grid<kAxes>::of(extents);
}

/// The row-major number of a place inside the caller's field; -1 in guards and padding.
template <int kAxes>
CUTLOSS_HD int64_t voxel_number(const FieldBatch& batch, const math::Grid<kAxes>& grid, uint32_t place) {
  if (place < grid.first) return -1;
  uint32_t at[kAxes];
  grid.coordinates(place, at);
  const uint32_t padding = batch.closed ? 1 : 0;
  int64_t number = 0;
  for (int axis = 0; axis < kAxes; ++axis) {
    const uint32_t extent = grid.extents[axis] - 2 * padding;
    if (at[axis] - padding >= extent) return -1;
    number = number * extent + (at[axis] - padding);
  }
  return number;
}

/// Whether the place is no guard.
template <int kAxes>
CUTLOSS_HD bool is_voxel(const math::Grid<kAxes>& grid, uint32_t place) {
  if (place < grid.first) return false;
  uint32_t at[kAxes];
  grid.coordinates(place, at);
  for (int axis = 0; axis < kAxes; ++axis) {
    if (at[axis] >= grid.extents[axis]) return false;
  }
  return true;
}

/// Leaves all ranks; nothing else should be done where the report names a voxel.
template <int kAxes>
void load_fields(Sequence& sequence, const Loading<kAxes>& loading);

}  // namespace cutloss::cuda
