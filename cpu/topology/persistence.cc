#include "cpu/topology/persistence.h"

#include "cpu/topology/components.h"
#include "cpu/topology/loops.h"
#include "cpu/topology/score.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {

template <int kAxes>
Status persistence_item(const PersistenceRequest& r, int64_t item, ThreadPool& pool, Cancel& cancel) {
  constexpr int kTop = kAxes - 1;
  const bool loops_wanted = kAxes == 3 && r.wants(1);
  Filtration<kAxes> field;
  CUTLOSS_TRY(load(r, r.field, item, false, &field));
  CUTLOSS_TRY(rank(&field));

  Side sides[kAxes];
  CellList edges, squares;  // what dimension 0 and the highest leave
  const auto connect_voxels = [&](PassOptions options) {
    return side_of_voxels(field, options, false, cancel, r.wants(0) ? &sides[0] : nullptr);
  };
  const auto connect_top_cells = [&](PassOptions options) {
    Buffer<uint32_t> ranks;
    CUTLOSS_TRY(rank_top_cells(field, &ranks));
    return side_of_top_cells(field, ranks.data(), nullptr, options, cancel, r.wants(kTop) ? &sides[kTop] : nullptr);
  };
  if (kAxes == 2) {
    const bool both = r.wants(0) && r.wants(1);
    if (r.wants(1)) CUTLOSS_TRY(connect_top_cells({both ? &edges : nullptr}));
    if (r.wants(0)) CUTLOSS_TRY(connect_voxels({nullptr, both ? &edges : nullptr}));
  } else {
    CUTLOSS_TRY(run_tasks(pool, 2, [&](int64_t highest) {
      if (!loops_wanted && !r.wants(highest ? kTop : 0)) return Status{};
      if (highest) return connect_top_cells({loops_wanted ? &squares : nullptr});
      return connect_voxels({loops_wanted ? &edges : nullptr});
    }));
  }
  if constexpr (kAxes == 3) {
    if (loops_wanted) CUTLOSS_TRY(loops({&field, &edges, &squares, 0}, cancel, &sides[1].bars));
  }
  for (int dimension = 0; dimension < kAxes; ++dimension) {
    if (r.wants(dimension)) write_bars(r, r.bars, r.capacity, item, dimension, field, sides[dimension].bars);
  }
  return {};
}

template Status persistence_item<2>(const PersistenceRequest&, int64_t, ThreadPool&, Cancel&);
template Status persistence_item<3>(const PersistenceRequest&, int64_t, ThreadPool&, Cancel&);

}  // namespace cutloss::cpu
