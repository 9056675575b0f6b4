#include "cpu/topology/matching.h"

#include "cpu/topology/components.h"
#include "cpu/topology/loops.h"
#include "cpu/topology/poll.h"
#include "cpu/topology/prepared_target.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {
namespace {

constexpr int kPrediction = 0;
constexpr int kTarget = 1;
constexpr int kComparison = 2;

template <int kAxes>
class ItemMatching {
 public:
  ItemMatching(const MatchingRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel, Matching<kAxes>* result)
      : r_(request), item_(item), pool_(pool), cancel_(cancel), result_(*result) {}

  Status run() {
    CUTLOSS_TRY(run_tasks(pool_, 2, [&](int64_t which) {
      const bool prediction = which == kPrediction;
      return load(r_, prediction ? r_.prediction : r_.target, item_, prediction && r_.sigmoid, cancel_,
                  &result_.fields[which]);
    }));
    CUTLOSS_TRY(run_tasks(pool_, 3, [&](int64_t which) { return order(int(which)); }));
    CUTLOSS_TRY(run_tasks(pool_, kAxes == 3 ? 6 : 3, [&](int64_t task) {
      return kAxes == 3 ? connect_3d(int(task / 2), int(task % 2)) : connect_2d(int(task));
    }));
    for (Buffer<uint32_t>& ranks : top_ranks_) ranks.free();
    for (int which = 0; which < 3; ++which) field(which).order.free();
    if constexpr (kAxes == 3) {
      if (r_.wants(1)) CUTLOSS_TRY(match_loops());
    }
    for (int dimension = 0; dimension < kAxes; ++dimension) {
      if (r_.wants(dimension)) CUTLOSS_TRY(pair(dimension));
    }
    return {};
  }

 private:
  Filtration<kAxes>& field(int which) { return which == kComparison ? comparison_ : result_.fields[which]; }

  Status order(int which) {
    if (is_prepared(which)) return read_prepared();
    if (which == kComparison) {
      const bool divided = kAxes == 3 && r_.wants(1);
      CUTLOSS_TRY(rank_comparison(result_.fields[0], result_.fields[1], divided, cancel_, &comparison_));
    } else {
      CUTLOSS_TRY(rank(&field(which), cancel_));
    }
    const bool wanted = r_.wants(kAxes - 1) || (kAxes == 3 && r_.wants(1));
    return wanted ? rank_top_cells(field(which), cancel_, &top_ranks_[which]) : Status{};
  }

  bool is_prepared(int which) const { return which == kTarget && r_.prepared; }

  /// All of the target's own part but the side of its top cells, which needs the comparison.
  Status read_prepared() {
    CUTLOSS_TRY(prepared_.open(r_, r_.prepared, item_));
    CUTLOSS_TRY(prepared_.ranks(&field(kTarget).ranks));
    if (kAxes == 3 && r_.wants(1)) {
      CUTLOSS_TRY(prepared_.edges(&edges_[kTarget]));
      CUTLOSS_TRY(prepared_.squares(&squares_[kTarget]));
    }
    for (int dimension = 0; dimension < kAxes - 1; ++dimension) {
      if (r_.wants(dimension)) CUTLOSS_TRY(prepared_.side(dimension, &sides_[kTarget][dimension]));
    }
    return {};
  }

  double least(int which) const { return which == kPrediction ? r_.min_persistence : 0; }

  Status connect_voxels(int which, PassOptions options) {
    options.least = least(which);
    const bool wanted = r_.wants(0);
    if (is_prepared(which)) return {};
    if (which != kComparison) {
      return side_of_voxels(field(which), options, true, cancel_, wanted ? &sides_[which][0] : nullptr);
    }
    const Filtration<kAxes>* const sides[2] = {&result_.fields[0], &result_.fields[1]};
    return keys_of_voxels(comparison_, sides, options, cancel_, wanted ? &keys_[0] : nullptr);
  }

  Status connect_top_cells(int which, PassOptions options) {
    constexpr int kTop = kAxes - 1;
    options.least = least(which);
    const bool wanted = r_.wants(kTop);
    const uint32_t* ranks = top_ranks_[which].data();
    if (is_prepared(which)) {
      return wanted ? prepared_.side_of_top_cells(top_ranks_[kComparison].data(), cancel_, &sides_[kTarget][kTop])
                    : Status{};
    }
    if (which == kComparison) {
      return keys_of_top_cells(comparison_, ranks, options, cancel_, wanted ? &keys_[kTop] : nullptr);
    }
    return side_of_top_cells(field(which), ranks, top_ranks_[kComparison].data(), options, cancel_,
                             wanted ? &sides_[which][kTop] : nullptr);
  }

  /// In 2-D, the edges that join no squares are exactly those that join voxels.
  Status connect_2d(int which) {
    CellList tree;
    PassOptions top, voxels;
    if (r_.wants(1)) {
      if (r_.wants(0)) top.rest = &tree, voxels.tree = &tree;
      CUTLOSS_TRY(connect_top_cells(which, top));
    }
    return r_.wants(0) ? connect_voxels(which, voxels) : Status{};
  }

  /// In 3-D, edges that join no voxels and squares that join no cubes are left to the loops.
  Status connect_3d(int which, int highest) {
    const bool loops = r_.wants(1);
    if (!loops && !r_.wants(highest ? 2 : 0)) return {};
    PassOptions options;
    if (loops) options.rest = highest ? &squares_[which] : &edges_[which];
    return highest ? connect_top_cells(which, options) : connect_voxels(which, options);
  }

  Status match_loops() {
    if constexpr (kAxes == 3) {
      LoopInputs inputs[3];
      for (int which = 0; which < 3; ++which) {
        inputs[which] = {&field(which), &edges_[which], &squares_[which], least(which), is_prepared(which)};
      }
      return loops(inputs, pool_, cancel_, &sides_[0][1], &sides_[1][1], &keys_[1]);
    }
    return {};
  }

  /// Bars whose keys the comparison names together are partners.
  Status pair(int dimension) {
    DimensionMatching& matching = result_.dimensions[dimension];
    for (int side = 0; side < 2; ++side) {
      matching.bars[side] = std::move(sides_[side][dimension].bars);
      CUTLOSS_TRY(matching.partner[side].allocate(matching.bars[side].count, kNone));
    }
    for (uint32_t i = 0; i < keys_[dimension].count; ++i) {
      if (stops_at(i, cancel_)) return cancelled();
      const Keys& keys = keys_[dimension][i];
      const uint32_t first = sides_[0][dimension].bar_of[keys.sides[0]];
      const uint32_t second = sides_[1][dimension].bar_of[keys.sides[1]];
      if (first == kNone || second == kNone) continue;
      matching.partner[0][first] = second;
      matching.partner[1][second] = first;
    }
    return {};
  }

  const MatchingRequest& r_;
  int64_t item_;
  ThreadPool& pool_;
  Cancel& cancel_;
  Matching<kAxes>& result_;
  Filtration<kAxes> comparison_;
  PreparedTarget<kAxes> prepared_;
  Buffer<uint32_t> top_ranks_[3];
  Side sides_[2][kAxes];
  List<Keys> keys_[kAxes];
  CellList edges_[3], squares_[3];  // 3-D, for the loops
};

}  // namespace

template <int kAxes>
Status match_item(const MatchingRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel,
                  Matching<kAxes>* matching) {
  return ItemMatching<kAxes>(request, item, pool, cancel, matching).run();
}

template Status match_item<2>(const MatchingRequest&, int64_t, ThreadPool&, Cancel&, Matching<2>*);
template Status match_item<3>(const MatchingRequest&, int64_t, ThreadPool&, Cancel&, Matching<3>*);

}  // namespace cutloss::cpu
