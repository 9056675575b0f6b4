#include "cpu/topology/betti_numbers.h"

#include "cpu/topology/components.h"

namespace cutloss::cpu {
namespace {

/// Cells all of whose voxels have the first rank.
template <class Kind>
int64_t count_first(const Filtration<Kind::kAxes>& field) {
  int64_t count = 0;
  for (uint32_t i = 0; i < field.grid.voxels; ++i) {
    const uint32_t base = field.order[i];
    if (field.ranks[base] > 0) break;
    for (int type = 0; type < Kind::kTypes; ++type)
      count += Kind::rank(field.grid, field.ranks.data(), base, type) == 0;
  }
  return count;
}

}  // namespace

template <int kAxes>
Status betti_numbers(const BettiNumbersRequest& r, int64_t item, Cancel& cancel, int32_t* numbers) {
  constexpr int kTop = kAxes - 1;
  Filtration<kAxes> mask;
  CUTLOSS_TRY(load(r, r.field, item, false, cancel, &mask));
  CUTLOSS_TRY(rank(&mask, cancel));
  const float inside = r.sublevel ? 0.0f : -1.0f;
  if (mask.values[mask.order[0]] != inside) return {};

  const bool by_euler = kAxes == 3 && r.wants(1);
  int64_t components = 0, cavities = 0;
  Side side;
  if (r.wants(0) || by_euler) {
    CUTLOSS_TRY(side_of_voxels(mask, {}, false, cancel, &side));
    components = side.bars.count + 1;  // the first never dies
  }
  if (r.wants(kTop) || by_euler) {
    Buffer<uint32_t> ranks;
    CUTLOSS_TRY(rank_top_cells(mask, cancel, &ranks));
    CUTLOSS_TRY(side_of_top_cells(mask, ranks.data(), nullptr, {}, cancel, &side));
    cavities = side.bars.count;
  }
  if (r.wants(0)) numbers[0] = int32_t(components);
  if (r.wants(kTop)) numbers[kTop] = int32_t(cavities);
  if constexpr (kAxes == 3) {
    if (!by_euler) return {};
    const int64_t euler = count_first<math::Cells<3, 0>>(mask) - count_first<math::Edges<3>>(mask) +
                          count_first<math::Walls<3>>(mask) - count_first<math::TopCells<3>>(mask);
    numbers[1] = int32_t(components + cavities - euler);
  }
  return {};
}

template Status betti_numbers<2>(const BettiNumbersRequest&, int64_t, Cancel&, int32_t*);
template Status betti_numbers<3>(const BettiNumbersRequest&, int64_t, Cancel&, int32_t*);

}  // namespace cutloss::cpu
