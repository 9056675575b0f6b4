// The topology engine under the sanitizers: fields of every size down to one voxel and of few values, so that guards,
// ties and empty passes all occur. Answers are held to the reference by the conformance suite; here a field must match
// itself, and the parts that are easiest to get wrong are compared with plain ones. Loops: reduction_test.cc.
#include <algorithm>
#include <atomic>
#include <random>
#include <vector>

#include "check.h"
#include "cpu/topology/run_topology.h"
#include "cpu/topology/sweep.h"

using namespace cutloss;
using namespace cutloss::cpu;

/// How many allocations succeed before one fails; none does while it is negative.
static std::atomic<int> allocations_left{-1};

static bool allocation_fails() { return allocations_left >= 0 && allocations_left-- == 0; }

extern "C" {
void* __real_malloc(size_t bytes);
void* __wrap_malloc(size_t bytes) { return allocation_fails() ? nullptr : __real_malloc(bytes); }
void* __real_realloc(void* memory, size_t bytes);
void* __real_aligned_alloc(size_t alignment, size_t bytes);
void* __wrap_realloc(void* memory, size_t bytes) {
  return allocation_fails() ? nullptr : __real_realloc(memory, bytes);
}
void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  return allocation_fails() ? nullptr : __real_aligned_alloc(alignment, bytes);
}
}

namespace {

std::mt19937 generator(7);
uint32_t below(uint32_t end) { return generator() % end; }

View view(std::vector<float>& values) { return {values.data(), int64_t(values.size()), DType::kFloat32, kHost, true}; }
View view(std::vector<int32_t>& values) { return {values.data(), int64_t(values.size()), DType::kInt32, kHost, true}; }

struct Outputs {
  std::vector<float> birth, death;
  std::vector<int32_t> birth_index, death_index, counts;

  BarViews make(const FieldBatch& batch, int64_t capacity) {
    const size_t all = size_t(batch.items * batch.axes * capacity);
    birth.assign(all, 0), death.assign(all, 0), birth_index.assign(all, -9), death_index.assign(all, -9);
    counts.assign(size_t(batch.items * batch.axes), -9);
    return {view(birth), view(death), view(birth_index), view(death_index), view(counts)};
  }
};

/// The target prepared is the target; and whatever becomes of the words, nothing breaks.
void check_prepared(MatchingRequest r) {
  Cancel never;
  PrepareTargetRequest preparation;
  static_cast<FieldBatch&>(preparation) = r;
  preparation.target = r.target;
  preparation.capacity = most_prepared_words(r);
  std::vector<int32_t> room(size_t(r.items * preparation.capacity));
  preparation.prepared = view(room);
  CHECK(check(preparation).ok());
  CHECK(run_prepare_target(preparation, ThreadPool::shared(), never).ok());
  const auto stride = int64_t(preparation.words);
  CHECK(stride > 0 && stride <= preparation.capacity);
  std::vector<int32_t> words;
  for (int64_t item = 0; item < r.items; ++item) {
    const auto first = room.begin() + item * preparation.capacity;
    words.insert(words.end(), first, first + stride);
  }

  const std::vector<float> gradient(r.gradient.as<float>(), r.gradient.as<float>() + r.gradient.size);
  const double loss = std::exchange(r.loss, 0);
  r.prepared = view(words);
  CHECK(check(r).ok());
  CHECK(run_matching(r, ThreadPool::shared(), never).ok());
  CHECK(r.loss == loss);
  CHECK(std::memcmp(gradient.data(), r.gradient.data, r.gradient.bytes()) == 0);

  for (int damage = 0; damage < 8; ++damage) {
    std::vector<int32_t> broken = words;
    for (uint32_t n = 1 + below(3); n > 0; --n)
      broken[below(uint32_t(broken.size()))] = int32_t(generator() >> below(32));
    r.prepared = view(broken);
    const Status status = run_matching(r, ThreadPool::shared(), never);
    CHECK(status.ok() || status.code == Code::kInternal || status.code == Code::kOption);
  }
}

void check_field(int64_t axes, int values) {
  MatchingRequest r;
  r.items = 1 + below(2);
  r.axes = axes;
  const uint32_t longest = axes == 3 ? 6 : 14;
  r.depth = axes == 3 ? 1 + below(longest) : 1;
  r.height = 1 + below(longest);
  r.width = 1 + below(longest);
  r.sublevel = below(2);
  r.closed = below(2);
  r.capacity = most_bars(r);
  std::vector<float> prediction(size_t(r.items * r.voxels())), target(prediction.size()), gradient(prediction.size());
  for (float& value : prediction) value = float(below(values)) / float(values);
  for (float& value : target) value = float(below(values)) / float(values);
  Outputs first, second;
  std::vector<int32_t> partner(size_t(r.items * axes * r.capacity), -9);
  r.prediction = view(prediction);
  r.target = view(target);
  r.gradient = view(gradient);
  r.partner = view(partner);
  r.prediction_bars = first.make(r, r.capacity);
  r.target_bars = second.make(r, r.capacity);
  Cancel never;
  CHECK(check(r).ok());
  CHECK(run_matching(r, ThreadPool::shared(), never).ok());
  for (int64_t stretch = 0; stretch < r.items * axes; ++stretch) {
    CHECK(first.counts[stretch] >= 0 && first.counts[stretch] <= r.capacity);
    for (int64_t i = stretch * r.capacity; i < stretch * r.capacity + first.counts[stretch]; ++i) {
      CHECK(first.birth_index[i] >= -1 && first.birth_index[i] < r.voxels());
      CHECK(partner[i] >= -1 && partner[i] < second.counts[stretch]);
      CHECK(first.birth[i] != first.death[i]);
    }
  }

  check_prepared(r);
  r.target = view(prediction);  // against itself: everything has a partner
  r.loss = 0;
  CHECK(run_matching(r, ThreadPool::shared(), never).ok());
  CHECK(r.loss == 0);
  for (int64_t stretch = 0; stretch < r.items * axes; ++stretch) {
    for (int32_t i = 0; i < first.counts[stretch]; ++i) CHECK(partner[stretch * r.capacity + i] == i);
  }

  BettiNumbersRequest numbers;
  static_cast<FieldBatch&>(numbers) = r;
  numbers.binary = 1;
  numbers.threshold = 0.4;
  std::vector<int32_t> found(size_t(r.items * axes));
  numbers.field = view(prediction);
  numbers.numbers = view(found);
  CHECK(run_betti_numbers(numbers, ThreadPool::shared(), never).ok());
  for (int32_t number : found) CHECK(number >= 0);
}

/// Whichever allocation fails, the call says so; without it, it is as it was.
template <class Run>
void check_failing_allocations(Run&& run) {
  int failed = 0;
  for (;; ++failed) {
    allocations_left = failed;
    const Status status = run();
    const bool enough = allocations_left >= 0;
    allocations_left = -1;
    CHECK(status.code == (enough ? Code::kOk : Code::kMemory));
    if (enough) break;
  }
  CHECK(failed > 10);
  CHECK(run().ok());
}

/// Large buffers are allocated in another way.
void check_large_buffer() {
  Buffer<int> buffer;
  CHECK(buffer.allocate(100, 7).ok());
  allocations_left = 0;
  CHECK(buffer.grow(1 << 20).code == Code::kMemory);
  CHECK(buffer.capacity() == 100 && buffer[99] == 7);
  CHECK(buffer.grow(1 << 20).ok());
  CHECK(buffer.capacity() == 1 << 20 && buffer[99] == 7);
}

/// Against Kruskal's algorithm on a sorted list of cells. Counts those that the sweep left without a try.
template <class Kind, Direction kDirection>
void check_sweep(const FieldBatch& batch, std::vector<float>& values, int* left_untried) {
  constexpr int kAxes = Kind::kAxes;
  constexpr bool kUp = kDirection == Direction::kAscending;
  using Cells = std::vector<std::pair<uint32_t, uint32_t>>;  // by rank and number
  Cancel never;
  Filtration<kAxes> field;
  CHECK(load(batch, view(values), 0, false, never, &field).ok());
  CHECK(rank(&field, never).ok());
  const math::Grid<kAxes>& grid = field.grid;
  const uint32_t* ranks = field.ranks.data();

  struct Nodes {
    const math::Grid<kAxes>& grid;
    std::vector<uint32_t> component;
    Cells joined, left;
    int failed = 0;

    bool join(Cell cell) {
      const uint32_t step = grid.strides[kUp ? cell.type : math::normal_axis<kAxes>(cell.type)];
      const uint32_t one = component[kUp ? cell.base + step : cell.base - step], other = component[cell.base];
      if (one == other) return ++failed, false;
      for (uint32_t& any : component) any = any == one ? other : any;
      joined.emplace_back(cell.rank, cell.base * Kind::kTypes + cell.type);
      return true;
    }
    void leave(Cell cell) { left.emplace_back(cell.rank, cell.base * Kind::kTypes + cell.type); }
    void from_afar(Cell) const {}
    void nearby(Cell) const {}
  };
  std::vector<uint32_t> separate(grid.places);
  for (uint32_t i = grid.first; i < grid.places - grid.first; ++i) {
    if (kUp || math::TopCells<kAxes>::rank(grid, ranks, i, 0) != math::kNever) separate[i] = i;
  }
  Nodes expected{grid, separate, {}, {}}, found{grid, separate, {}, {}};

  Cells cells;
  for (uint32_t base = grid.first; base < grid.places - grid.first; ++base) {
    for (int type = 0; type < Kind::kTypes; ++type) {
      const uint32_t appears = Kind::rank(grid, ranks, base, type);
      if (appears != math::kNever) cells.emplace_back(appears, base * Kind::kTypes + type);
    }
  }
  std::sort(cells.begin(), cells.end());
  if (!kUp) std::reverse(cells.begin(), cells.end());
  for (const auto& [appears, number] : cells) {
    const Cell cell{number / Kind::kTypes, int(number % Kind::kTypes), appears};
    if (!expected.join(cell)) expected.leave(cell);
  }

  CHECK(sweep<Kind, kDirection>(field, never, found).ok());
  CHECK(found.joined == expected.joined);
  CHECK(found.left == expected.left);
  *left_untried += int(found.left.size()) - found.failed;
}

void check_sweeps() {
  int untried[4] = {};
  for (int values : {1, 2, 7, 30, 100000}) {
    for (int i = 0; i < 30; ++i) {
      FieldBatch batch;
      batch.items = 1;
      batch.height = 1 + below(7);
      batch.width = 1 + below(7);
      batch.closed = below(2);
      std::vector<float> field(size_t(6 * batch.height * batch.width));
      for (float& value : field) value = float(below(values));
      batch.axes = 2;
      batch.depth = 1;
      check_sweep<math::Edges<2>, Direction::kAscending>(batch, field, &untried[0]);
      check_sweep<math::Walls<2>, Direction::kDescending>(batch, field, &untried[1]);
      batch.axes = 3;
      batch.depth = 1 + below(6);
      check_sweep<math::Edges<3>, Direction::kAscending>(batch, field, &untried[2]);
      check_sweep<math::Walls<3>, Direction::kDescending>(batch, field, &untried[3]);
    }
  }
  for (int cells : untried) CHECK(cells > 300);
}

/// A mask as the target has the comparison divided, and a pairing less to compute: unless the prediction has something
/// earlier than the target's first level.
void check_divided() {
  MatchingRequest r;
  r.items = 1;
  r.axes = 3;
  r.depth = r.height = r.width = 6;
  std::vector<float> prediction(216), target(216), gradient(216);
  for (float& value : prediction) value = float(below(1000)) / 1000;
  for (float& value : target) value = float(below(2));
  r.prediction = view(prediction);
  r.target = view(target);
  r.gradient = view(gradient);
  Cancel never;
  const auto compare = [&](bool divided) {
    Filtration<3> fields[2], comparison;
    CHECK(load(r, r.prediction, 0, false, never, &fields[0]).ok());
    CHECK(load(r, r.target, 0, false, never, &fields[1]).ok());
    CHECK(rank_comparison(fields[0], fields[1], divided, never, &comparison).ok());
    return comparison;
  };
  const auto allocations = [&] {
    ThreadPool& pool = ThreadPool::shared();
    allocations_left = 1 << 20;
    CHECK(run_matching(r, pool, never).ok());
    return (1 << 20) - allocations_left.exchange(-1);
  };
  const Filtration<3> comparison = compare(true);
  CHECK(comparison.shared > 50);
  CHECK(comparison.last_of_first == comparison.shared - 1);
  CHECK(compare(false).shared == 0);
  const int with_shared_level = allocations();
  prediction[0] = 2;
  CHECK(compare(true).shared == 0);
  CHECK(with_shared_level < allocations());
}

/// What was given back is there for the next of its size without a request for memory, and for no other.
void check_kept_blocks() {
  Buffer<int> buffer, other;
  CHECK(buffer.allocate(1 << 20).ok());
  const int* block = buffer.data();
  buffer.free();
  allocations_left = 0;
  CHECK(buffer.allocate((1 << 20) - 1000).ok());
  CHECK(buffer.data() == block && allocations_left == 0);
  CHECK(buffer.capacity() == (1 << 20) - 1000);
  CHECK(other.allocate(1 << 20).code == Code::kMemory);
  buffer.free();
  allocations_left = 0;
  CHECK(other.allocate(1 << 22).code == Code::kMemory);
  allocations_left = -1;
}

void check_memory(int64_t axes) {
  MatchingRequest r;
  r.items = 2;
  r.axes = axes;
  r.depth = axes == 3 ? 5 : 1;
  r.height = 6;
  r.width = 7;
  std::vector<float> prediction(size_t(r.items * r.voxels())), target(prediction.size()), gradient(prediction.size());
  for (float& value : prediction) value = float(below(1000));
  for (float& value : target) value = float(below(2));
  r.prediction = view(prediction);
  r.target = view(target);
  r.gradient = view(gradient);
  ThreadPool& pool = ThreadPool::shared();
  Cancel never;
  check_failing_allocations([&] { return run_matching(r, pool, never); });

  PrepareTargetRequest preparation;
  static_cast<FieldBatch&>(preparation) = r;
  preparation.target = r.target;
  preparation.capacity = most_prepared_words(r);
  std::vector<int32_t> words(size_t(r.items * preparation.capacity));
  preparation.prepared = view(words);
  check_failing_allocations([&] { return run_prepare_target(preparation, pool, never); });
  r.prepared = view(words);
  check_failing_allocations([&] { return run_matching(r, pool, never); });

  PersistenceRequest bars;
  static_cast<FieldBatch&>(bars) = r;
  bars.field = r.prediction;
  bars.capacity = most_bars(r);
  Outputs outputs;
  bars.bars = outputs.make(r, bars.capacity);
  check_failing_allocations([&] { return run_persistence(bars, pool, never); });

  BettiNumbersRequest numbers;
  static_cast<FieldBatch&>(numbers) = r;
  std::vector<int32_t> found(size_t(r.items * axes));
  numbers.field = r.target;
  numbers.numbers = view(found);
  check_failing_allocations([&] { return run_betti_numbers(numbers, pool, never); });
}

}  // namespace

int main() {
  check_large_buffer();
  check_kept_blocks();
  check_sweeps();
  check_divided();
  for (int64_t axes : {2, 3}) {
    check_memory(axes);
    for (int values : {1, 2, 3, 8, 100000}) {
      for (int i = 0; i < 60; ++i) check_field(axes, values);
    }
  }
  return test::finish("topology");
}
