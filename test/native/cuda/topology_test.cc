// The topology engine on the emulated GPU against the CPU engine: noise, ties, and fields whose merge trees are as high
// as can be, by every option, in batches; every bar with its positions, partners, loss and gradient.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cpu/topology/run_topology.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/test/device_array.h"
#include "cuda/topology/run_topology.h"
#include "cuda/topology/tiling.h"
#include "engine/engine.h"
#include "math/cubical/grid.h"
#include "test/native/check.h"
#include "test/native/cuda/topology_fields.h"

using namespace cutloss;
using test::Fill;
using test::Shape;

namespace {

// Never destroyed, as those of the engines are.
std::vector<cuda::Device*>& devices = *new std::vector<cuda::Device*>;
cuda::Device& gpu() { return *devices.back(); }

/// From now on, and of so much memory, if any is said.
void use_new_device(uint64_t budget = 0) {
  if (budget > 0) setenv("CUTLOSS_GPU_MEMORY_BUDGET", std::to_string(budget).c_str(), 1);
  devices.push_back(new cuda::Device);
  CHECK(gpu().stream.open(0).ok() && gpu().memory.open().ok());
  gpu().multiprocessors = 4;
  unsetenv("CUTLOSS_GPU_MEMORY_BUDGET");
}

template <class T>
View view_of(std::vector<T>& values, DType dtype) {
  View view;
  view.data = values.data();
  view.size = static_cast<int64_t>(values.size());
  view.dtype = dtype;
  view.given = true;
  return view;
}

struct BarMemory {
  std::vector<float> birth, death;
  std::vector<int32_t> birth_index, death_index, counts;

  BarMemory(const FieldBatch& batch, int64_t capacity) {
    const size_t all = static_cast<size_t>(batch.items * batch.axes * capacity);
    birth.resize(all), death.resize(all), birth_index.resize(all), death_index.resize(all);
    counts.resize(static_cast<size_t>(batch.items * batch.axes), -1);
  }
  BarViews views() {
    return {view_of(birth, DType::kFloat32), view_of(death, DType::kFloat32), view_of(birth_index, DType::kInt32),
            view_of(death_index, DType::kInt32), view_of(counts, DType::kInt32)};
  }
  std::string line(int64_t at) const {
    char text[120];
    std::snprintf(text, sizeof text, "%.9g@%d-%.9g@%d", birth[at], birth_index[at], death[at], death_index[at]);
    return text;
  }
};

using Lines = std::vector<std::string>;

struct Tuning {
  uint32_t one_block_items = cuda::kOneBlockItems, items_per_block = cuda::kItemsPerBlock;
};

struct Options {
  bool sublevel = false, closed = false, sigmoid = false;
  int64_t dimensions = 7;
  int64_t unmatched_prediction = 0, unmatched_target = 0;
  double min_persistence = 0;
};

FieldBatch batch_of(const Shape& shape, const Options& options) {
  FieldBatch batch;
  batch.items = shape.items;
  batch.axes = shape.depth > 0 ? 3 : 2;
  batch.depth = shape.depth > 0 ? shape.depth : 1;
  batch.height = shape.height;
  batch.width = shape.width;
  batch.sublevel = options.sublevel;
  batch.closed = options.closed;
  batch.dimensions = options.dimensions;
  return batch;
}

struct Answer {
  Lines lines;  // every bar, and its partner if it has one
  std::vector<float> gradient, per_item;
  std::vector<int32_t> errors;
  double loss;
};

/// On the GPU, or, without a probe, on the CPU.
Answer match(const Shape& shape, std::vector<float> prediction, std::vector<float> target, const Options& options,
             cuda::TopologyProbe* probe) {
  MatchingRequest r;
  static_cast<FieldBatch&>(r) = batch_of(shape, options);
  r.capacity = most_bars(r);
  BarMemory bars[2] = {{r, r.capacity}, {r, r.capacity}};
  std::vector<int32_t> partner(bars[0].birth.size(), -7);
  Answer answer;
  answer.gradient.assign(prediction.size(), NAN);
  answer.per_item.assign(static_cast<size_t>(r.items), NAN);
  answer.errors.assign(static_cast<size_t>(r.items), -1);
  r.prediction = view_of(prediction, DType::kFloat32);
  r.target = view_of(target, DType::kFloat32);
  r.gradient = view_of(answer.gradient, DType::kFloat32);
  r.per_item = view_of(answer.per_item, DType::kFloat32);
  r.errors = view_of(answer.errors, DType::kInt32);
  r.prediction_bars = bars[0].views();
  r.target_bars = bars[1].views();
  r.partner = view_of(partner, DType::kInt32);
  r.sigmoid = options.sigmoid;
  r.unmatched_prediction = options.unmatched_prediction;
  r.unmatched_target = options.unmatched_target;
  r.min_persistence = options.min_persistence;
  Cancel never;
  cpu::ThreadPool& pool = cpu::ThreadPool::shared();
  const Status status = probe ? cuda::run_matching(r, gpu(), never, probe) : cpu::run_matching(r, pool, never);
  if (!CHECK(status.ok())) std::printf("%s\n", status.message);
  answer.loss = r.loss;
  for (int64_t stretch = 0; stretch < r.items * r.axes; ++stretch) {
    const std::string name = std::to_string(stretch);
    for (int i = 0; i < bars[0].counts[stretch]; ++i) {
      const int64_t at = stretch * r.capacity + i;
      const int32_t mate = partner[at];
      answer.lines.push_back(name + " p " + bars[0].line(at) +
                             (mate < 0 ? "" : " = " + bars[1].line(stretch * r.capacity + mate)));
    }
    for (int i = 0; i < bars[1].counts[stretch]; ++i) {
      answer.lines.push_back(name + " t " + bars[1].line(stretch * r.capacity + i));
    }
  }
  std::sort(answer.lines.begin(), answer.lines.end());
  return answer;
}

/// Sums in another order.
bool close(double found, double exact, double unit) {
  return found == exact || (std::isnan(found) && std::isnan(exact)) ||
         std::fabs(found - exact) <= unit * std::fabs(exact) + 1e-12;
}

uint64_t places_of(const Shape& s) {
  const uint32_t extents[3] = {uint32_t(s.depth), uint32_t(s.height), uint32_t(s.width)};
  return s.depth > 0 ? math::Grid<3>::of(extents).places : math::Grid<2>::of(extents + 1).places;
}

void expect_same(const char* name, const Shape& shape, const std::vector<float>& prediction,
                 const std::vector<float>& target, const Options& options, const Tuning& tuning) {
  cuda::TopologyProbe probe;
  probe.one_block_items = tuning.one_block_items;
  probe.items_per_block = tuning.items_per_block;
  const Answer found = match(shape, prediction, target, options, &probe);
  const Answer exact = match(shape, prediction, target, options, nullptr);
  bool same = CHECK(found.lines == exact.lines);
  same &= CHECK(found.errors == exact.errors);
  same &= CHECK(close(found.loss, exact.loss, 1e-12));
  for (size_t i = 0; i < exact.gradient.size(); ++i) {
    same &= CHECK(close(found.gradient[i], exact.gradient[i], 0x1p-23));
  }
  for (size_t i = 0; i < exact.per_item.size(); ++i) {
    same &= CHECK(close(found.per_item[i], exact.per_item[i], 0x1p-23));
  }
  if (same) return;
  std::printf("  %s [%d, %d, %d, %d] sublevel %d closed %d dimensions %d: %zu lines instead of %zu\n", name,
              shape.items, shape.depth, shape.height, shape.width, options.sublevel, options.closed,
              int(options.dimensions), found.lines.size(), exact.lines.size());
}

void test_fields(test::Random& random) {
  const Shape shapes[] = {{1, 0, 1, 1},   {1, 0, 1, 9},  {2, 0, 7, 1},   {1, 0, 2, 2},    {3, 0, 5, 6},
                          {1, 0, 33, 31}, {17, 0, 9, 8}, {1, 0, 64, 64}, {3, 0, 31, 64},  {1, 0, 1, 300},
                          {1, 3, 4, 5},   {3, 5, 4, 3},  {17, 3, 4, 3},  {1, 10, 10, 10}, {3, 7, 6, 8}};
  // as it is; every step a launch; and every launch many blocks
  const Tuning tunings[] = {{}, {0, 2048}, {0, 64}};
  int turn = 0;
  for (const auto& [name, fill] : test::fields) {
    for (const Shape& shape : shapes) {
      Options options;
      options.sublevel = turn & 1;
      options.closed = turn & 2;
      options.sigmoid = turn % 5 == 3;
      options.dimensions = shape.depth > 0 ? (turn % 2 ? 7 : 5) : turn % 7 == 2 ? 1 : turn % 7 == 4 ? 2 : 3;
      options.unmatched_prediction = turn % 3;
      options.unmatched_target = turn / 3 % 2;
      options.min_persistence = turn % 4 == 1 ? 0.25 : 0;
      ++turn;
      const auto prediction = fill(shape, random);
      const auto& other = test::fields[random() % (test::fields.size() - 1)];  // not the infinities
      const auto target = (turn % 2 ? other.second : fill)(shape, random);
      const Tuning tuning = tunings[turn % 3];
      expect_same(name, shape, prediction, target, options, tuning);
    }
  }
}

/// The GPU is at work already when loops begin to be reduced.
void test_loops_beside(test::Random& random) {
  static const Shape shape = {1, 10, 9, 8};
  static bool beside;
  beside = false;
  cuda::TopologyProbe probe;
  probe.at_loops = [] {
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const uint64_t wanted = uint64_t{3 * 48} * shape.depth * shape.height * shape.width;  // the workspace's
    while (!beside && std::chrono::steady_clock::now() < late) beside = gpu().memory.use().workspace_bytes > wanted;
  };
  const Fill noise = test::fields[0].second;
  match(shape, noise(shape, random), noise(shape, random), {}, &probe);
  CHECK(beside);
}

/// Where nothing has to be moved to the GPU, a call asks for memory once: the second request, which is made to fail, is
/// ours.
void test_one_allocation(test::Random& random) {
  const Shape shape = {2, 0, 20, 18};
  emulated::test::DeviceArray<float> prediction(test::fields[0].second(shape, random)),
      target(test::fields[1].second(shape, random)), gradient(prediction.size());
  const auto view = [](const emulated::test::DeviceArray<float>& array) {
    View v;
    v.data = array.data(), v.size = static_cast<int64_t>(array.size()), v.device = 0, v.given = true;
    return v;
  };
  MatchingRequest r;
  static_cast<FieldBatch&>(r) = batch_of(shape, {});
  r.prediction = view(prediction), r.target = view(target), r.gradient = view(gradient);
  Cancel never;
  emulated::device_memory().fail_allocation(2);
  CHECK(cuda::run_matching(r, gpu(), never).ok());
  void* more = nullptr;
  CHECK(cudaMalloc(&more, 16) == cudaErrorMemoryAllocation);
  cudaGetLastError();
}

/// A batch that does not fit is done in parts, here of all items but the last few and of those.
void test_parts(test::Random& random) {
  const auto& [name, fill] = test::fields[0];
  for (const Shape& shape : {Shape{5, 0, 40, 36}, Shape{3, 9, 8, 7}}) {
    use_new_device();
    const auto prediction = fill(shape, random), target = fill(shape, random);
    cuda::TopologyProbe whole, part, probe;
    match(shape, prediction, target, {}, &whole);
    const uint64_t peak = gpu().memory.use().peak_bytes;
    Shape fewer = shape;
    fewer.items = (shape.items + 1) / 2;
    match(fewer, fill(fewer, random), fill(fewer, random), {}, &part);
    use_new_device(peak - (whole.workspace_bytes - part.workspace_bytes) / 2);
    expect_same(name, shape, prediction, target, {}, {});
    match(shape, prediction, target, {}, &probe);
    CHECK(probe.workspace_bytes == part.workspace_bytes);
  }
}

/// Launches, rounds, reads and memory of Betti matching, and what docs/topology-gpu.md says of them.
void expect_costs(const char* name, const Shape& shape, test::Random& random, Fill fill) {
  cuda::TopologyProbe probe;
  match(shape, fill(shape, random), fill(shape, random), {}, &probe);
  const int64_t voxels = int64_t{shape.items} * shape.planes() * shape.height * shape.width;
  const uint64_t places = places_of(shape);
  const int64_t launches = cuda::most_launches(places, 3 * shape.items), rounds = cuda::most_rounds(places);
  std::printf(
      "%s [%d, %d, %d, %d]: %ld launches of at most %ld, %ld rounds of %ld, %ld levels, %ld reads, %.1f bytes each\n",
      name, shape.items, shape.planes(), shape.height, shape.width, long(probe.launches), long(launches),
      long(probe.most_rounds), long(rounds), long(probe.elder_levels), long(probe.reads),
      double(probe.workspace_bytes) / double(voxels));
  std::fflush(stdout);
  CHECK(probe.launches <= launches);
  CHECK(probe.most_rounds <= rounds);
  CHECK(probe.reads <= 2 * (probe.most_rounds + 4) + 2);
  const uint64_t most = shape.depth > 0 ? 320 : 160;  // guards weigh more on small fields
  CHECK(probe.workspace_bytes <= most * voxels * 21 / 20 + cuda::kFixedTopologyBytes);
}

/// Of all fields, or of one of them.
void test_costs(const std::vector<Shape>& shapes, test::Random& random, const std::string& only = "") {
  for (const Shape& shape : shapes) {
    for (const auto& [name, fill] : test::fields) {
      if (only.empty() || only == name) expect_costs(name, shape, random, fill);
    }
  }
}

}  // namespace

int main() {
  test::Random random(20261120);
  use_new_device();
  if (const char* text = std::getenv("CUTLOSS_TOPOLOGY_COSTS")) {  // nothing else, of a batch as large as one likes
    Shape shape = {};
    char only[40] = "";
    CHECK(std::sscanf(text, "%dx%dx%d:%39[^\n]", &shape.items, &shape.height, &shape.width, only) >= 3);
    test_costs({shape}, random, only);
    return test::finish("topology");
  }
  test_fields(random);
  test_loops_beside(random);
  test_one_allocation(random);
  test_costs({{1, 0, 64, 64}, {3, 0, 96, 80}, {2, 10, 16, 14}}, random);
  test_parts(random);
  return test::finish("topology");
}
