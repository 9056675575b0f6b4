// One field alone: its bars, for persistence, and what a target keeps of them for later matchings.
#pragma once

#include "cpu/thread_pool.h"
#include "cpu/topology/bars.h"
#include "cpu/topology/filtration.h"

namespace cutloss::cpu {

/// Its bars by dimension, and what the passes over it left.
template <int kAxes>
struct FieldSides {
  Side sides[kAxes];
  List<TopCellJoin> joins;  // where bars are to be found again
  CellList edges, squares;  // what dimension 0 and the highest leave
};

/// The bars of a field that is loaded and ranked. `findable`: by their keys, those of the highest dimension by the
/// numbers of their joins.
template <int kAxes>
Status sides_of_field(const FieldBatch& batch, const Filtration<kAxes>& field, bool findable, ThreadPool& pool,
                      Cancel& cancel, FieldSides<kAxes>* sides);

/// Writes the bars of one item to the request's outputs.
template <int kAxes>
Status persistence_item(const PersistenceRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel);

/// Writes the words of one item and says how many.
template <int kAxes>
Status prepare_item(const PrepareTargetRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel,
                    uint64_t* words);

}  // namespace cutloss::cpu
