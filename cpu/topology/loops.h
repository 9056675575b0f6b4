// Dimension 1 in three: loops.
#pragma once

#include "cpu/thread_pool.h"
#include "cpu/topology/bars.h"
#include "cpu/topology/filtration.h"

namespace cutloss::cpu {

/// One field, and what its other dimensions left: edges that join no voxels, ascending, and squares that join no cubes,
/// descending. Where the field's own bars are known, squares of the first level alone are there.
struct LoopInputs {
  const Filtration<3>* field;
  CellList* edges;
  CellList* squares;
  double least;
  bool known = false;
};

/// Bars and keys of two fields and their comparison, the third. A side whose bars are known is left as it is. Lists of
/// cells are used up.
Status loops(const LoopInputs* inputs, ThreadPool& pool, Cancel& cancel, Side* first, Side* second, List<Keys>* keys);

/// The bars of one field alone.
Status loops(const LoopInputs& input, bool findable, Cancel& cancel, Side* side);

}  // namespace cutloss::cpu
