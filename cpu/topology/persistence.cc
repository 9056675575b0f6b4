#include "cpu/topology/persistence.h"

#include "cpu/topology/components.h"
#include "cpu/topology/loops.h"
#include "cpu/topology/prepared_target.h"
#include "cpu/topology/score.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {

template <int kAxes>
Status sides_of_field(const FieldBatch& batch, const Filtration<kAxes>& field, bool findable, ThreadPool& pool,
                      Cancel& cancel, FieldSides<kAxes>* result) {
  constexpr int kTop = kAxes - 1;
  const bool loops_wanted = kAxes == 3 && batch.wants(1);
  Side* sides = result->sides;
  const auto connect_voxels = [&](PassOptions options) {
    return side_of_voxels(field, options, findable, cancel, batch.wants(0) ? &sides[0] : nullptr);
  };
  const auto connect_top_cells = [&](PassOptions options) {
    Buffer<uint32_t> ranks;
    CUTLOSS_TRY(rank_top_cells(field, cancel, &ranks));
    if (findable) options.joins = &result->joins;
    return side_of_top_cells(field, ranks.data(), nullptr, options, cancel, batch.wants(kTop) ? &sides[kTop] : nullptr);
  };
  if (kAxes == 2) {
    const bool both = batch.wants(0) && batch.wants(1);
    if (batch.wants(1)) CUTLOSS_TRY(connect_top_cells({both ? &result->edges : nullptr}));
    if (batch.wants(0)) CUTLOSS_TRY(connect_voxels({nullptr, both ? &result->edges : nullptr}));
    result->edges.clear();
  } else {
    CUTLOSS_TRY(run_tasks(pool, 2, [&](int64_t highest) {
      if (!loops_wanted && !batch.wants(highest ? kTop : 0)) return Status{};
      if (highest) return connect_top_cells({loops_wanted ? &result->squares : nullptr});
      return connect_voxels({loops_wanted ? &result->edges : nullptr});
    }));
  }
  if constexpr (kAxes == 3) {
    if (loops_wanted) CUTLOSS_TRY(loops({&field, &result->edges, &result->squares, 0}, findable, cancel, &sides[1]));
  }
  return {};
}

template <int kAxes>
Status persistence_item(const PersistenceRequest& r, int64_t item, ThreadPool& pool, Cancel& cancel) {
  Filtration<kAxes> field;
  FieldSides<kAxes> found;
  CUTLOSS_TRY(load(r, r.field, item, false, cancel, &field));
  CUTLOSS_TRY(rank(&field, cancel));
  CUTLOSS_TRY(sides_of_field(r, field, false, pool, cancel, &found));
  for (int dimension = 0; dimension < kAxes; ++dimension) {
    if (r.wants(dimension)) write_bars(r, r.bars, r.capacity, item, dimension, field, found.sides[dimension].bars);
  }
  return {};
}

template <int kAxes>
Status prepare_item(const PrepareTargetRequest& r, int64_t item, ThreadPool& pool, Cancel& cancel, uint64_t* words) {
  Filtration<kAxes> field;
  FieldSides<kAxes> found;
  CUTLOSS_TRY(load(r, r.target, item, false, cancel, &field));
  CUTLOSS_TRY(rank(&field, cancel));
  CUTLOSS_TRY(sides_of_field(r, field, true, pool, cancel, &found));
  *words = write_prepared(r, field, found, r.prepared.as<uint32_t>() + item * r.capacity);
  return {};
}

template Status persistence_item<2>(const PersistenceRequest&, int64_t, ThreadPool&, Cancel&);
template Status persistence_item<3>(const PersistenceRequest&, int64_t, ThreadPool&, Cancel&);
template Status prepare_item<2>(const PrepareTargetRequest&, int64_t, ThreadPool&, Cancel&, uint64_t*);
template Status prepare_item<3>(const PrepareTargetRequest&, int64_t, ThreadPool&, Cancel&, uint64_t*);

}  // namespace cutloss::cpu
