#include "cpu/topology/components.h"

#include "cpu/topology/merge_forest.h"

namespace cutloss::cpu {
namespace {

uint64_t most_bars(const auto& grid) { return (uint64_t{grid.voxels} + 1) / 2; }

bool lasts(const auto& field, Bar bar, double least) {
  return least == 0 || double{field.values[bar.death]} - double{field.values[bar.birth]} >= least;
}

/// Cells that leave no trace, or one in the list.
template <class Kind>
Status reserve_rest(const PassOptions& options, const math::Grid<Kind::kAxes>& grid) {
  return options.rest ? options.rest->reserve(uint64_t{grid.voxels} * (Kind::kTypes - 1) + 1) : Status{};
}
template <class Kind>
void leave(const PassOptions& options, Cell cell) {
  if (options.rest) options.rest->add(cell.base * Kind::kTypes + cell.type);
}

/// Of a pass that keeps nothing at the roots.
constexpr auto nothing_more = [](uint32_t) {};

/// Joins voxels by all edges, or by those of a tree.
template <int kAxes, class FetchRoot, class OnJoin>
Status join_voxels_by(const Filtration<kAxes>& field, const PassOptions& options, const Cancel& cancel,
                      FetchRoot&& fetch_root, OnJoin&& on_join) {
  if (options.tree) return join_voxels_of_tree(field, *options.tree, cancel, fetch_root, on_join);
  CUTLOSS_TRY(reserve_rest<math::Edges<kAxes>>(options, field.grid));
  return join_nodes<math::Edges<kAxes>, Direction::kAscending>(
      field, field.ranks.data(), cancel, fetch_root, on_join,
      [&](Cell edge) { leave<math::Edges<kAxes>>(options, edge); });
}

template <int kAxes, class FetchRoot, class OnJoin>
Status join_top_cells_by(const Filtration<kAxes>& field, const uint32_t* top_cell_ranks, const PassOptions& options,
                         const Cancel& cancel, FetchRoot&& fetch_root, OnJoin&& on_join) {
  CUTLOSS_TRY(reserve_rest<math::Walls<kAxes>>(options, field.grid));
  return join_nodes<math::Walls<kAxes>, Direction::kDescending>(
      field, top_cell_ranks, cancel, fetch_root, on_join, [&](Cell wall) { leave<math::Walls<kAxes>>(options, wall); });
}

}  // namespace

template <int kAxes>
Status side_of_voxels(const Filtration<kAxes>& field, const PassOptions& options, bool findable, const Cancel& cancel,
                      Side* side) {
  const uint32_t* ranks = field.ranks.data();
  if (side) CUTLOSS_TRY(side->bars.reserve(most_bars(field.grid)));
  if (side && findable) CUTLOSS_TRY(side->bar_of.allocate(field.grid.places, kNone));
  return join_voxels_by(field, options, cancel, nothing_more, [&](Cell edge, const Join& join) {
    if (!side || !field.is_bar(join.dying_rank, edge.rank)) return;
    const Bar bar{join.dying, math::Edges<kAxes>::voxel(field.grid, ranks, edge.base, edge.type)};
    if (!lasts(field, bar, options.least)) return;
    const uint32_t number = side->bars.add(bar);
    if (findable) side->bar_of[join.dying] = number;
  });
}

template <int kAxes>
Status side_of_top_cells(const Filtration<kAxes>& field, const uint32_t* top_cell_ranks, const uint32_t* comparison,
                         const PassOptions& options, const Cancel& cancel, Side* side) {
  const uint32_t* ranks = field.ranks.data();
  const bool findable = side && (comparison || options.joins);
  ElderUnder<Direction::kDescending> under;
  if (side) CUTLOSS_TRY(side->bars.reserve(most_bars(field.grid)));
  if (findable) CUTLOSS_TRY(side->bar_of.allocate(field.grid.places, kNone));
  if (options.joins) CUTLOSS_TRY(options.joins->reserve(field.grid.voxels));
  if (side && comparison) CUTLOSS_TRY(under.begin(field.grid.places, comparison, cancel));
  return join_top_cells_by(
      field, top_cell_ranks, options, cancel, [&](uint32_t root) { under.fetch(root); },
      [&](Cell wall, const Join& join) {
        uint32_t key = kNone;
        if (options.joins) key = options.joins->add({join.dying, join.surviving});
        if (!side) return;
        if (comparison) key = under.follow(join.dying, join.surviving);
        if (!field.is_bar(wall.rank, join.dying_rank)) return;
        const Bar bar{math::Walls<kAxes>::voxel(field.grid, ranks, wall.base, wall.type),
                      math::TopCells<kAxes>::voxel(field.grid, ranks, join.dying, 0)};
        if (!lasts(field, bar, options.least)) return;
        const uint32_t number = side->bars.add(bar);
        if (findable) side->bar_of[key] = number;
      });
}

template <int kAxes>
Status keys_of_voxels(const Filtration<kAxes>& comparison, const Filtration<kAxes>* const sides[2],
                      const PassOptions& options, const Cancel& cancel, List<Keys>* keys) {
  ElderUnder<Direction::kAscending> first, second;
  if (keys) {
    CUTLOSS_TRY(keys->reserve(most_bars(comparison.grid)));
    CUTLOSS_TRY(first.begin(comparison.grid.places, sides[0]->ranks.data(), cancel));
    CUTLOSS_TRY(second.begin(comparison.grid.places, sides[1]->ranks.data(), cancel));
  }
  const auto fetch_root = [&](uint32_t root) {
    first.fetch(root);
    second.fetch(root);
  };
  return join_voxels_by(comparison, options, cancel, fetch_root, [&](Cell edge, const Join& join) {
    if (!keys) return;
    const Keys images{{first.follow(join.dying, join.surviving), second.follow(join.dying, join.surviving)}};
    if (comparison.is_bar(join.dying_rank, edge.rank)) keys->add(images);
  });
}

template <int kAxes>
Status keys_of_top_cells(const Filtration<kAxes>& comparison, const uint32_t* top_cell_ranks,
                         const PassOptions& options, const Cancel& cancel, List<Keys>* keys) {
  if (keys) CUTLOSS_TRY(keys->reserve(most_bars(comparison.grid)));
  return join_top_cells_by(comparison, top_cell_ranks, options, cancel, nothing_more, [&](Cell wall, const Join& join) {
    if (keys && comparison.is_bar(wall.rank, join.dying_rank)) keys->add({{join.dying, join.dying}});
  });
}

template Status side_of_voxels<2>(const Filtration<2>&, const PassOptions&, bool, const Cancel&, Side*);
template Status side_of_voxels<3>(const Filtration<3>&, const PassOptions&, bool, const Cancel&, Side*);
template Status side_of_top_cells<2>(const Filtration<2>&, const uint32_t*, const uint32_t*, const PassOptions&,
                                     const Cancel&, Side*);
template Status side_of_top_cells<3>(const Filtration<3>&, const uint32_t*, const uint32_t*, const PassOptions&,
                                     const Cancel&, Side*);
template Status keys_of_voxels<2>(const Filtration<2>&, const Filtration<2>* const[2], const PassOptions&,
                                  const Cancel&, List<Keys>*);
template Status keys_of_voxels<3>(const Filtration<3>&, const Filtration<3>* const[2], const PassOptions&,
                                  const Cancel&, List<Keys>*);
template Status keys_of_top_cells<2>(const Filtration<2>&, const uint32_t*, const PassOptions&, const Cancel&,
                                     List<Keys>*);
template Status keys_of_top_cells<3>(const Filtration<3>&, const uint32_t*, const PassOptions&, const Cancel&,
                                     List<Keys>*);

}  // namespace cutloss::cpu
