// A field as a filtration: every voxel has a rank, the dense number of its value among the field's values, and voxels
// stand in the order in which they appear. Everything after this compares ranks; values come back only as results.
//
// Values are kept in sublevel order: negated, which is exact, where bright is early.
#pragma once

#include "cpu/buffer.h"
#include "engine/engine.h"
#include "math/cubical/cells.h"

namespace cutloss::cpu {

template <int kAxes>
struct Filtration {
  math::Grid<kAxes> grid;
  Buffer<float> values;    // [places], those of guards undefined
  Buffer<uint32_t> ranks;  // [places], kNever in guards
  Buffer<uint32_t> order;  // [voxels], places by (rank, place)

  // Of a comparison whose first value is divided: ranks below `shared` are the target's first level, and those up to
  // `last_of_first` are all of that value.
  uint32_t shared = 0;
  uint32_t last_of_first = 0;

  /// Whether what begins at one rank and ends at another has a length.
  bool is_bar(uint32_t birth, uint32_t death) const { return birth != death && death > last_of_first; }
};

/// Calls visit(place, plane, row) with the first voxel of every row of the grid.
template <int kAxes, class Visit>
void for_each_row(const math::Grid<kAxes>& grid, Visit&& visit) {
  const uint32_t planes = kAxes == 3 ? grid.extents[0] : 1;
  const uint32_t rows = grid.extents[kAxes - 2];
  for (uint32_t plane = 0; plane < planes; ++plane) {
    for (uint32_t row = 0; row < rows; ++row) {
      visit(grid.first + plane * (kAxes == 3 ? grid.strides[0] : 0) + row * grid.strides[kAxes - 2], plane, row);
    }
  }
}

template <int kAxes>
math::Grid<kAxes> grid_of(const FieldBatch& batch);

/// One field of a batch: its values, padded where the border is closed. `sigmoid`: they are logits.
template <int kAxes>
Status load(const FieldBatch& batch, const View& fields, int64_t item, bool sigmoid, const Cancel& cancel,
            Filtration<kAxes>* field);

/// The field that is at each voxel whichever is earlier: both others' sublevel sets lie in its own. Ranks and order
/// from the values of both; it has none itself.
///
/// `divided`: its first value may be divided, for loops.cc, if the target has two values and the prediction none that
/// is earlier. The target's first level comes first then, in the prediction's order.
template <int kAxes>
Status rank_comparison(const Filtration<kAxes>& prediction, const Filtration<kAxes>& target, bool divided,
                       const Cancel& cancel, Filtration<kAxes>* comparison);

/// Ranks and order from the values.
template <int kAxes>
Status rank(Filtration<kAxes>* field, const Cancel& cancel);

/// The rank of every top cell by its base; kNever where there is none.
template <int kAxes>
Status rank_top_cells(const Filtration<kAxes>& field, const Cancel& cancel, Buffer<uint32_t>* ranks);

/// The row-major number of a voxel inside the caller's field; -1 in the padding.
template <int kAxes>
int32_t voxel_number(const FieldBatch& batch, const math::Grid<kAxes>& grid, uint32_t place);

/// Refuses fields in which a value is not a number, before anything is written.
Status expect_numbers(const char* name, const FieldBatch& batch, const View& fields, const Cancel& cancel);

}  // namespace cutloss::cpu
