// The bars of dimension 0 and of the highest dimension, and what matching needs of them: see merge_forest.h.
//
// A side is one of the two fields. It leaves its bars, and how to find them: in dimension 0 by their birth, in the
// highest dimension by the top cell that dies at the same join under the comparison. The comparison leaves, for each of
// its bars, the two keys to look up: in dimension 0 the voxels that die at the same join under either field, in the
// highest dimension its own death.
#pragma once

#include "cpu/topology/bars.h"
#include "cpu/topology/filtration.h"

namespace cutloss::cpu {

/// What to do with cells that join nothing, and which bars are long enough to be any.
struct PassOptions {
  CellList* rest = nullptr;            // where to leave them, in the order of the sweep
  const CellList* tree = nullptr;      // edges that are known to join, backwards: the only ones looked at
  double least = 0;                    // bars that are shorter are none
  List<TopCellJoin>* joins = nullptr;  // where to leave them, in the order of the sweep
};

/// `side` may be null where only the rest is wanted, and find its bars only if `findable`.
template <int kAxes>
Status side_of_voxels(const Filtration<kAxes>& field, const PassOptions& options, bool findable, const Cancel& cancel,
                      Side* side);

/// `comparison` are the ranks of its top cells; null where the bars are not to be found again, or by the numbers of
/// their joins, if these are left.
template <int kAxes>
Status side_of_top_cells(const Filtration<kAxes>& field, const uint32_t* top_cell_ranks, const uint32_t* comparison,
                         const PassOptions& options, const Cancel& cancel, Side* side);

/// `keys` may be null where only the rest is wanted.
template <int kAxes>
Status keys_of_voxels(const Filtration<kAxes>& comparison, const Filtration<kAxes>* const sides[2],
                      const PassOptions& options, const Cancel& cancel, List<Keys>* keys);

template <int kAxes>
Status keys_of_top_cells(const Filtration<kAxes>& comparison, const uint32_t* top_cell_ranks,
                         const PassOptions& options, const Cancel& cancel, List<Keys>* keys);

}  // namespace cutloss::cpu
