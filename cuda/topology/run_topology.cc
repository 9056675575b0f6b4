// A request as one sequence of launches: fields to ranks; for each dimension a forest, its chains, its elders and its
// bars; at the end losses and gradient. The host learns from the GPU how large the next level is, and nothing else.
#include "cuda/topology/run_topology.h"

#include <cinttypes>
#include <memory>
#include <new>

#include "cuda/residence.h"
#include "cuda/topology/loops_on_cpu.h"
#include "cuda/topology/tiling.h"
#include "cuda/topology/workspace.h"

namespace cutloss::cuda {
namespace {

constexpr const char* kDoing = "compute the topology of fields";

/// Joints and supervertices are numbered in 32 bits, batches that have more are done in parts.
constexpr uint64_t kMostJoints = 4'000'000'000;

template <int kAxes>
class TopologyRun {
 public:
  TopologyRun(const FieldBatch& batch, uint32_t per_item, Device& device, Cancel& cancel, TopologyProbe& probe)
      : batch_(batch), device_(device), sequence_(device, cancel, probe, kDoing), probe_(probe) {
    fields_.grid = grid_of<kAxes>(batch);
    fields_.per_item = per_item;
  }

  Status open(bool slopes_wanted) {
    const uint64_t joints = uint64_t{fields_.per_item} * fields_.places() * kAxes;
    uint64_t part = std::min<uint64_t>(batch_.items, kMostJoints / joints);
    if (part == 0) {
      return failure(Code::kShape, "Expected fields of at most %" PRIu64 " voxels on a GPU but received %" PRId64,
                     kMostJoints / joints * fields_.places(), batch_.voxels());
    }
    slopes_wanted_ = slopes_wanted;
    for (;; part = (part + 1) / 2) {
      take(0, part);
      const size_t bytes = cut(nullptr).bytes;
      const Status status = scratch_.allocate(device_.memory, bytes);
      if (status.code == Code::kMemory && part > 1) continue;
      CUTLOSS_TRY(status);
      part_ = part;
      probe_.workspace_bytes = bytes;
      return {};
    }
  }

  /// Calls compute() with every part of the batch loaded. All are looked at before the first is computed.
  template <class Compute>
  Status for_each_part(const View* const (&sources)[2], const char* const (&names)[2], bool sigmoid,
                       Compute&& compute) {
    const bool one_part = part_ == batch_.items;
    for (int64_t first = 0; !one_part && first < batch_.items; first += part_) {
      CUTLOSS_TRY(load(first, sources, names, sigmoid));
    }
    for (int64_t first = 0; first < batch_.items; first += part_) {
      CUTLOSS_TRY(load(first, sources, names, sigmoid));
      CUTLOSS_TRY(compute());
    }
    return sequence_.status();
  }

  template <Merging kMerging>
  using GraphOf = Graph<kAxes, kMerging>;

  /// The deaths of one dimension, 0 or the highest. `both`: in 2-D, holes come first, since the edges at which none of
  /// them merge are all that joins components.
  template <Merging kMerging>
  Status merge(bool both, double least) {
    constexpr bool kHoles = kMerging == Merging::kTopCells;
    const GraphOf<kMerging> graph = {fields_, both && !kHoles ? w_.marks : nullptr};
    ForestCounts counts;
    Chains chains;
    const Forest<GraphOf<kMerging>> forest = w_.forest(graph);
    CUTLOSS_TRY(grow(sequence_, forest, &counts));
    probe_.most_rounds = std::max<int64_t>(probe_.most_rounds, counts.levels - 1);
    const ChainMemory memory = {w_.pairs, w_.other, w_.owners, both && kHoles ? w_.marks : nullptr, w_.sort_counts};
    CUTLOSS_TRY(order_by_chain(sequence_, forest, memory, &counts, &chains));
    w_.deaths.least = least;
    sequence_.fill(w_.deaths.joint, 0xff, size_t{8} * fields_.nodes());
    Elders<GraphOf<kMerging>> elders = {graph, w_.pick, chains, w_.deaths, {}, w_.block_elders, w_.block_begins};
    for (int q = 0; q < kMostOrders; ++q) elders.totals[q] = w_.totals[q];
    probe_.elder_levels += find_deaths(sequence_, elders, counts, w_.counts);
    return sequence_.status();
  }

  template <Merging kMerging>
  BarPass<GraphOf<kMerging>> bar_pass() const {
    BarPass<GraphOf<kMerging>> pass = {};
    pass.graph = {fields_, nullptr};
    pass.batch = batch_;
    pass.first_item = first_;
    pass.dimension = kMerging == Merging::kVoxels ? 0 : kAxes - 1;
    pass.slices = slices_;
    pass.deaths = w_.deaths;
    pass.mates = w_.mates;
    pass.numbers = w_.numbers;
    pass.block_counts = w_.block_counts;
    pass.sums = w_.sums;
    pass.node_slopes = w_.node_slopes;
    pass.joint_slopes = w_.joint_slopes;
    pass.slopes = slopes_wanted_ ? w_.slopes : nullptr;
    return pass;
  }

  /// What the CPU found of this part joins the rest, as one more dimension.
  Status join(LoopsOnCpu& loops, Finish<kAxes>* finish) {
    CUTLOSS_TRY(loops.join());
    CUTLOSS_TRY(sequence_.status());
    const size_t all = size_t{fields_.items} * slices_;
    const std::unique_ptr<ItemSums[]> sums(new (std::nothrow) ItemSums[all]());
    if (!sums) return failure(Code::kMemory, "Expected memory for the losses of %" PRIu32 " items", fields_.items);
    for (uint32_t item = 0; item < fields_.items; ++item) sums[size_t{item} * slices_] = loops.sums()[first_ + item];
    CUTLOSS_TRY(upload(w_.sums + finish->dimensions++ * all, sums.get(), all * sizeof(ItemSums)));
    if (!loops.slopes()) return {};
    const int64_t voxels = batch_.voxels();
    finish->loop_slopes = w_.node_slopes;  // those are on their voxels by now
    return upload(w_.node_slopes, loops.slopes() + first_ * voxels, size_t{8} * fields_.items * voxels);
  }

  const Workspace<kAxes>& workspace() const { return w_; }
  const Fields<kAxes>& fields() const { return fields_; }
  Sequence& sequence() { return sequence_; }
  int64_t first() const { return first_; }
  int slices() const { return slices_; }

 private:
  Status upload(void* to, const void* from, size_t bytes) {
    return device_.staging.upload(to, from, bytes, sequence_.cancel());
  }
  void take(int64_t first, uint64_t part) {
    first_ = first;
    fields_.items = static_cast<uint32_t>(std::min<uint64_t>(part, batch_.items - first));
    slices_ = tile_each(part, fields_.places(), sequence_.probe.items_per_block, device_.multiprocessors);
  }
  Workspace<kAxes> cut(void* memory) const {
    return Workspace<kAxes>::cut(memory, fields_, batch_.items, slices_, slopes_wanted_);
  }

  Status load(int64_t first, const View* const (&sources)[2], const char* const (&names)[2], bool sigmoid) {
    fields_.items = static_cast<uint32_t>(part_);
    w_ = cut(scratch_.as());  // as for a whole part: losses stay where they are
    take(first, part_);
    // These are filled in one go with what lies before them, which the last part has less of.
    w_.deaths.image = w_.deaths.joint + fields_.nodes();
    if (slopes_wanted_) w_.joint_slopes = w_.node_slopes + uint64_t{fields_.items} * fields_.places();
    fields_.ranks = w_.ranks;
    Loading<kAxes> loading = {fields_, batch_, {}, first, sigmoid, w_.earliest, w_.report};
    for (int i = 0; i < 2; ++i) {
      if (sources[i]) loading.sources[i] = *sources[i];
    }
    load_fields(sequence_, loading);
    LoadReport report;
    CUTLOSS_TRY(sequence_.read(w_.report, &report));
    for (int i = 0; i < 2; ++i) {
      const Key bad = report.first_bad[i];
      if (bad == kNoKey) continue;
      const auto voxels = static_cast<Key>(batch_.voxels());
      return failure(Code::kOption, "Expected numbers for %s but received NaN at voxel %" PRId64 " of item %" PRId64,
                     names[i], static_cast<int64_t>(bad % voxels), static_cast<int64_t>(bad / voxels));
    }
    return {};
  }

  const FieldBatch batch_;
  Device& device_;
  Sequence sequence_;
  TopologyProbe& probe_;
  Fields<kAxes> fields_ = {};
  Scratch scratch_;
  Workspace<kAxes> w_ = {};
  int64_t part_ = 0, first_ = 0;
  int slices_ = 1;
  bool slopes_wanted_ = false;
};

/// Writes zeroes to outputs on the GPU.
Status clear(Sequence& sequence, std::initializer_list<const View*> views) {
  for (const View* view : views) {
    if (*view && view->bytes() > 0) sequence.fill(view->data, 0, view->bytes());
  }
  return sequence.status();
}

template <int kAxes>
Status persistence_of(const PersistenceRequest& r, Device& device, Cancel& cancel, TopologyProbe& probe) {
  TopologyRun<kAxes> run(r, 1, device, cancel, probe);
  CUTLOSS_TRY(run.open(false));
  return run.for_each_part({&r.field, nullptr}, {"field", ""}, false, [&]() -> Status {
    const bool both = kAxes == 2 && r.wants(0) && r.wants(1);
    const auto bars = [&]<Merging kMerging>() -> Status {
      CUTLOSS_TRY(run.template merge<kMerging>(both, 0));
      auto pass = run.template bar_pass<kMerging>();
      pass.views[0] = r.bars;
      pass.capacity = r.capacity;
      write_bars(run.sequence(), pass);
      return {};
    };
    if (r.wants(kAxes - 1)) CUTLOSS_TRY(bars.template operator()<Merging::kTopCells>());
    if (r.wants(0)) CUTLOSS_TRY(bars.template operator()<Merging::kVoxels>());
    return {};
  });
}

template <int kAxes>
Status matching_of(const MatchingRequest& r, double scale, double* losses, LoopsOnCpu& loops, Device& device,
                   Cancel& cancel, TopologyProbe& probe) {
  TopologyRun<kAxes> run(r, 3, device, cancel, probe);
  CUTLOSS_TRY(run.open(bool{r.gradient}));
  Sequence& sequence = run.sequence();
  CUTLOSS_TRY(run.for_each_part({&r.prediction, &r.target}, {"prediction", "target"}, r.sigmoid, [&]() -> Status {
    const Workspace<kAxes>& w = run.workspace();
    const Fields<kAxes>& fields = run.fields();
    const uint64_t voxels = uint64_t{fields.items} * fields.places();
    if (r.gradient) sequence.fill(w.slopes, 0, sizeof(double) * voxels);
    const bool both = kAxes == 2 && r.wants(0) && r.wants(1);
    int dimensions = 0;
    const auto match = [&]<Merging kMerging>() -> Status {
      CUTLOSS_TRY(run.template merge<kMerging>(both, r.min_persistence));
      auto pass = run.template bar_pass<kMerging>();
      pass.matching = r;
      pass.views[0] = r.prediction_bars;
      pass.views[1] = r.target_bars;
      pass.capacity = r.capacity;
      pass.sums += uint64_t(dimensions++) * fields.items * run.slices();
      match_bars(sequence, pass);
      score_bars(sequence, pass);
      write_bars(sequence, pass);
      return {};
    };
    if (r.wants(kAxes - 1)) CUTLOSS_TRY(match.template operator()<Merging::kTopCells>());
    if (r.wants(0)) CUTLOSS_TRY(match.template operator()<Merging::kVoxels>());
    Finish<kAxes> finish = {fields, r,        run.first(), dimensions, run.slices(),
                            w.sums, w.losses, nullptr,     nullptr,    scale};
    if (r.gradient) finish.slopes = w.slopes;
    if (loops.started()) CUTLOSS_TRY(run.join(loops, &finish));
    finish_items(sequence, finish);
    return {};
  }));
  return sequence.read(run.workspace().losses, losses, r.items);
}

template <int kAxes>
Status betti_numbers_of(const BettiNumbersRequest& r, Device& device, Cancel& cancel, TopologyProbe& probe) {
  TopologyRun<kAxes> run(r, 1, device, cancel, probe);
  CUTLOSS_TRY(run.open(false));
  const bool loops = kAxes == 3 && r.wants(1);
  return run.for_each_part({&r.field, nullptr}, {"field", ""}, false, [&]() -> Status {
    const bool both = kAxes == 2 && r.wants(0) && r.wants(1);
    Counting counting = {};
    counting.numbers = r.numbers.template as<int32_t>() + run.first() * kAxes;
    counting.in_loops = loops;
    counting.earliest = run.workspace().earliest;
    counting.inside = math::rank_of_value(r.sublevel ? 0.0f : -1.0f);
    const auto count = [&]<Merging kMerging>() -> Status {
      constexpr bool kComponents = kMerging == Merging::kVoxels;
      CUTLOSS_TRY(run.template merge<kMerging>(both, 0));
      const auto pass = run.template bar_pass<kMerging>();
      counting.dimension = r.wants(pass.dimension) ? pass.dimension : -1;
      counting.and_eldest = kComponents;
      count_bars(run.sequence(), pass, counting);
      return {};
    };
    if (r.wants(kAxes - 1) || loops) CUTLOSS_TRY(count.template operator()<Merging::kTopCells>());
    if (r.wants(0) || loops) CUTLOSS_TRY(count.template operator()<Merging::kVoxels>());
    if constexpr (kAxes == 3) {
      if (loops) subtract_euler(run.sequence(), run.fields(), counting);
    }
    return {};
  });
}

/// compute(request) with the request's views on the GPU.
template <class Request, class Compute>
Status with_residents(const Request& request, Device& device, Cancel& cancel, Compute&& compute) {
  Request resident = request;
  Residence residence(device, cancel);
  CUTLOSS_TRY(residence.move_in(resident));
  CUTLOSS_TRY(compute(resident));
  return residence.bring_back();
}

bool is_empty(const FieldBatch& batch) { return batch.items == 0 || batch.voxels() == 0; }

/// The middle dimension of 3-D is the CPU engine's.
bool asks_for_loops(const FieldBatch& batch) { return batch.axes == 3 && batch.wants(kLoops) && !is_empty(batch); }
bool asks_for_nothing_else(const FieldBatch& batch) { return !batch.wants(0) && !batch.wants(2); }

}  // namespace

Status run_persistence(PersistenceRequest& request, Device& device, Cancel& cancel, TopologyProbe* probe) noexcept {
  TopologyProbe unasked;
  TopologyProbe& spent = probe ? *probe : unasked;
  LoopsOnCpu loops(device, cancel, spent);
  if (asks_for_loops(request)) {
    if (asks_for_nothing_else(request)) return run_on_cpu(request, device, cancel);
    CUTLOSS_TRY(loops.start(request));
  }
  CUTLOSS_TRY(with_residents(request, device, cancel, [&](const PersistenceRequest& r) -> Status {
    Sequence sequence(device, cancel, spent, kDoing);
    CUTLOSS_TRY(clear(sequence, {&r.bars.counts}));
    if (is_empty(r)) return {};
    CUTLOSS_TRY(r.axes == 3 ? persistence_of<3>(r, device, cancel, spent)
                            : persistence_of<2>(r, device, cancel, spent));
    return loops.join();
  }));
  return loops.started() ? loops.deliver(request) : Status{};
}

Status run_matching(MatchingRequest& request, Device& device, Cancel& cancel, TopologyProbe* probe) noexcept {
  TopologyProbe unasked;
  TopologyProbe& spent = probe ? *probe : unasked;
  LoopsOnCpu loops(device, cancel, spent);
  if (asks_for_loops(request)) {
    if (asks_for_nothing_else(request)) return run_on_cpu(request, device, cancel);
    CUTLOSS_TRY(loops.start(request));
  }
  const int64_t items = request.items;
  const double mean = Reduction(request.reduction) == Reduction::kMean && items > 0 ? 1 / double(items) : 1;
  double loss = 0;
  CUTLOSS_TRY(with_residents(request, device, cancel, [&](const MatchingRequest& r) -> Status {
    Sequence sequence(device, cancel, spent, kDoing);
    CUTLOSS_TRY(clear(sequence, {&r.prediction_bars.counts, &r.target_bars.counts}));
    if (is_empty(r)) return clear(sequence, {&r.per_item, &r.errors});
    const std::unique_ptr<double[]> losses(new (std::nothrow) double[items]);
    if (!losses) return failure(Code::kMemory, "Expected memory for the losses of %" PRId64 " items", items);
    const double scale = mean * r.upstream_scale;
    CUTLOSS_TRY(r.axes == 3 ? matching_of<3>(r, scale, losses.get(), loops, device, cancel, spent)
                            : matching_of<2>(r, scale, losses.get(), loops, device, cancel, spent));
    for (int64_t item = 0; item < items; ++item) loss += losses[item];
    return {};
  }));
  if (loops.started()) CUTLOSS_TRY(loops.deliver(request));
  request.loss = loss * mean;
  return {};
}

Status run_betti_numbers(BettiNumbersRequest& request, Device& device, Cancel& cancel, TopologyProbe* probe) noexcept {
  TopologyProbe unasked;
  TopologyProbe& spent = probe ? *probe : unasked;
  return with_residents(request, device, cancel, [&](const BettiNumbersRequest& r) -> Status {
    Sequence sequence(device, cancel, spent, kDoing);
    CUTLOSS_TRY(clear(sequence, {&r.numbers}));
    if (is_empty(r)) return {};
    return r.axes == 3 ? betti_numbers_of<3>(r, device, cancel, spent) : betti_numbers_of<2>(r, device, cancel, spent);
  });
}

}  // namespace cutloss::cuda
