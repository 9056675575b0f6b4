// The steps of the topology engine on the emulated GPU, one by one, each against plain loops: ranks, the sort, the
// forest, its chains, and who dies where, for the elders of every order.
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "cuda/emulated/test/device_array.h"
#include "cuda/topology/workspace.h"
#include "test/native/check.h"
#include "test/native/cuda/topology_fields.h"

using namespace cutloss;
using namespace cutloss::cuda;
using emulated::test::DeviceArray;
using test::Shape;

namespace {

Device& gpu() {
  static Device& device = *new Device;
  return device;
}

void test_sort(Sequence& sequence, test::Random& random) {
  for (const uint32_t count : {0u, 1u, 255u, 256u, 257u, 3000u}) {
    for (const int bits : {1, 8, 13, 32}) {
      std::vector<uint32_t> keys(count), values(count), order(count);
      for (uint32_t& key : keys) key = static_cast<uint32_t>(random()) >> (32 - bits) & (random() % 2 ? ~0u : 7u);
      std::iota(values.begin(), values.end(), 0u);
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
      DeviceArray<uint32_t> k(keys), v(values), k2(count + 1), v2(count + 1), counts(kSortCountsBytes / 4);
      Pairs pairs = {k.data(), v.data()}, other = {k2.data(), v2.data()};
      sort_pairs(sequence, &pairs, &other, count, bits, counts.data());
      bool same = true;
      for (uint32_t i = 0; i < count; ++i) same &= pairs.values[i] == order[i] && pairs.keys[i] == keys[order[i]];
      CHECK(same);
    }
  }
}

/// Union-find whose representative is the least node by a key.
struct Union {
  std::vector<uint32_t> parent;
  explicit Union(uint32_t nodes) : parent(nodes) { std::iota(parent.begin(), parent.end(), 0u); }
  uint32_t find(uint32_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  }
};

template <int kAxes, Merging kMerging>
class Steps {
 public:
  using G = Graph<kAxes, kMerging>;

  Steps(Sequence& sequence, const Shape& shape, const std::vector<float>& prediction, const std::vector<float>& target)
      : sequence_(sequence), prediction_(prediction), target_(target) {
    batch_.items = shape.items;
    batch_.axes = kAxes;
    batch_.depth = shape.planes();
    batch_.height = shape.height;
    batch_.width = shape.width;
    batch_.sublevel = 1;
    fields_ = {grid_of<kAxes>(batch_), static_cast<uint32_t>(shape.items), 3, nullptr};
    const size_t bytes = Workspace<kAxes>::cut(nullptr, fields_, shape.items, 1, false).bytes;
    CHECK(cudaMalloc(&memory_, bytes) == cudaSuccess);
    w_ = Workspace<kAxes>::cut(memory_, fields_, shape.items, 1, false);
    fields_.ranks = w_.ranks;
  }
  ~Steps() { cudaFree(memory_); }

  void run() {
    load();
    check_ranks();
    graph_ = {fields_, nullptr};
    forest_ = w_.forest(graph_);
    CHECK(grow(sequence_, forest_, &counts_).ok());
    kruskal();
    check_forest();
    const ChainMemory memory = {w_.pairs, w_.other, w_.owners, nullptr, w_.sort_counts};
    const std::vector<uint32_t> up(w_.up, w_.up + counts_.begins[counts_.levels]);
    CHECK(order_by_chain(sequence_, forest_, memory, &counts_, &chains_).ok());
    check_chains(up);
    sequence_.fill(w_.deaths.joint, 0xff, size_t{8} * fields_.nodes());
    find_deaths(sequence_,
                Elders<G>{graph_,
                          w_.pick,
                          chains_,
                          w_.deaths,
                          {w_.totals[0], w_.totals[1], w_.totals[2]},
                          w_.block_elders,
                          w_.block_begins},
                counts_, w_.counts);
    CHECK(sequence_.status().ok());
    check_deaths();
  }

 private:
  struct Join {
    uint32_t joint;
    Key key;
    uint32_t dying[3];
    uint32_t next;  // the join at which what it made is joined; kNone at the end
  };

  void load() {
    DeviceArray<float> prediction(prediction_), target(target_);
    Loading<kAxes> loading = {fields_, batch_, {}, 0, false, w_.earliest, w_.report};
    for (int i = 0; i < 2; ++i) {
      loading.sources[i].data = i == 0 ? prediction.data() : target.data();
      loading.sources[i].size = static_cast<int64_t>(prediction_.size());
      loading.sources[i].given = true;
    }
    load_fields(sequence_, loading);
  }

  /// Ranks order as values do and give them back; guards have none; the comparison has the earlier.
  void check_ranks() {
    const uint32_t places = fields_.places();
    for (uint32_t i = 0; i < fields_.items * places; ++i) {
      const uint32_t item = i / places;
      const uint32_t* ranks = fields_.ranks + 3 * item * places + i % places;
      const int64_t voxel = voxel_number(batch_, fields_.grid, i % places);
      CHECK(ranks[2 * places] == std::min(ranks[0], ranks[places]));
      if (voxel < 0) {
        CHECK(ranks[0] == math::kNever && ranks[places] == math::kNever);
        continue;
      }
      const size_t at = item * static_cast<size_t>(batch_.voxels()) + static_cast<size_t>(voxel);
      CHECK(math::value_of_rank(ranks[0]) == prediction_[at] && math::value_of_rank(ranks[places]) == target_[at]);
    }
    for (size_t i = 1; i < prediction_.size(); ++i) {
      const float a = prediction_[i - 1], b = prediction_[i];
      CHECK((a < b) == (math::rank_of_value(a) < math::rank_of_value(b)));
    }
  }

  Key elder_key(uint32_t node, int q) const {
    const uint32_t which = fields_.which(node), places = fields_.places();
    uint32_t at = node;
    if (q > 0 && G::kDual) at += (kComparison - which) * places;
    if (q > 0 && !G::kDual && which == kComparison) at -= (kComparison - (q - 1)) * places;
    return G::key(graph_.rank_of_node(at), node);
  }

  /// The merge tree, joint by joint.
  void kruskal() {
    std::vector<std::pair<Key, uint32_t>> all;
    for (uint32_t joint = 0; joint < graph_.joints(); ++joint) {
      if (graph_.exists(joint)) all.push_back({graph_.key_of_joint(joint), joint});
    }
    std::sort(all.begin(), all.end());
    Union components(graph_.nodes());
    std::vector<uint32_t> made(graph_.nodes(), kNone);  // by representative: the join that made it
    std::vector<std::array<uint32_t, 3>> elders(graph_.nodes());
    for (uint32_t node = 0; node < graph_.nodes(); ++node) elders[node] = {node, node, node};
    for (const auto& [key, joint] : all) {
      const uint32_t a = components.find(graph_.node_at(graph_.first_place(joint)));
      const uint32_t b = components.find(graph_.node_at(graph_.second_place(joint)));
      if (a == b) continue;
      Join join = {joint, key, {}, kNone};
      const auto mine = elders[a], other = elders[b];
      for (int q = 0; q < 3; ++q) {
        const bool first = elder_key(mine[q], q) < elder_key(other[q], q);
        join.dying[q] = first ? other[q] : mine[q];
        elders[b][q] = first ? mine[q] : other[q];
      }
      const auto number = static_cast<uint32_t>(joins_.size());
      for (const uint32_t side : {a, b}) {
        if (made[side] != kNone) joins_[made[side]].next = number;
      }
      components.parent[a] = b;
      made[b] = number;
      joins_.push_back(join);
      number_of_[joint] = number;
    }
  }

  /// The picks of all but the roots are the merge tree's joints, each once; every level halves.
  void check_forest() {
    std::multiset<uint32_t> found;
    for (uint32_t level = 0; level + 1 < counts_.levels; ++level) {
      const uint32_t begin = counts_.begins[level], end = counts_.begins[level + 1], above = counts_.begins[level + 2];
      CHECK(2 * (above - end) <= end - begin);
      for (uint32_t s = begin; s < end; ++s) {
        if (w_.up[s] == kNone) continue;
        CHECK(w_.up[s] >= end && w_.up[s] < above);
        if (forest_.root(w_.up[s]) == s) continue;
        found.insert(w_.pick[s]);
      }
    }
    CHECK(found.size() == joins_.size());
    for (const Join& join : joins_) CHECK(found.count(join.joint) == 1);
  }

  /// By chain and then by key; a chain is one way up the merge tree without a gap; its first joint alone has two
  /// pickers; it is found in no more steps than there are levels.
  void check_chains(const std::vector<uint32_t>& up) {
    CHECK(chains_.count == joins_.size());
    for (uint32_t i = 0; i < chains_.count; ++i) {
      const uint32_t joint = w_.pick[chains_.pickers[i]], chain = chains_.chains[i];
      const bool first = i == 0 || chains_.chains[i - 1] != chain;
      CHECK(first == (chains_.other_pickers[i] != kNone));
      if (first) {
        CHECK(i == 0 || chains_.chains[i - 1] < chain);
      } else {
        const Join& before = joins_[number_of_[w_.pick[chains_.pickers[i - 1]]]];
        CHECK(before.next == number_of_[joint]);
      }
      uint32_t s = up[chains_.pickers[i]], steps = 0;
      for (; s != chain + fields_.nodes() && s != kNone; s = up[s]) ++steps;
      CHECK(s != kNone && steps < counts_.levels);
    }
    for (uint32_t level = 1; level < counts_.levels; ++level) {
      for (uint32_t i = counts_.orders[level]; i < counts_.orders[level + 1]; ++i) {
        const uint32_t s = chains_.chains[i] + fields_.nodes();
        CHECK(s >= counts_.begins[level] && s < counts_.begins[level + 1]);
      }
    }
  }

  /// Bars as the elder rule along the merge tree has them, and images likewise.
  void check_deaths() {
    const uint32_t nodes = fields_.nodes(), places = fields_.places();
    std::vector<uint32_t> joint(nodes, kNone), image(nodes, kNone);
    for (const Join& join : joins_) {
      const uint32_t node = join.dying[0], which = fields_.which(node);
      if (graph_.rank_of_node(node) == graph_.rank_of_joint(join.joint)) continue;
      joint[node] = join.joint;
      if (G::kDual && which != kComparison) image[join.dying[1]] = node;
      if (!G::kDual && which == kComparison) {
        for (uint32_t side = 0; side < 2; ++side) {
          const uint32_t distance = (kComparison - side) * places;
          image[node - distance] = join.dying[1 + side] - distance;
        }
      }
    }
    CHECK(std::equal(joint.begin(), joint.end(), w_.deaths.joint));
    CHECK(std::equal(image.begin(), image.end(), w_.deaths.image));
  }

  Sequence& sequence_;
  const std::vector<float>&prediction_, &target_;
  FieldBatch batch_;
  Fields<kAxes> fields_;
  void* memory_ = nullptr;
  Workspace<kAxes> w_;
  G graph_;
  Forest<G> forest_;
  ForestCounts counts_;
  Chains chains_;
  std::vector<Join> joins_;
  std::map<uint32_t, uint32_t> number_of_;  // of joints among the joins
};

}  // namespace

int main() {
  CHECK(gpu().stream.open(0).ok() && gpu().memory.open().ok());
  gpu().multiprocessors = 4;
  Cancel never;
  test::Random random(8);
  // as it is; every step a launch; and every launch many blocks
  for (const auto& [one_block, items] : {std::pair{kOneBlockItems, kItemsPerBlock}, {0u, 2048u}, {0u, 64u}}) {
    SequenceProbe probe;
    probe.one_block_items = one_block;
    probe.items_per_block = items;
    Sequence sequence(gpu(), never, probe, "test kernels");
    test_sort(sequence, random);
    for (const auto& [name, fill] : test::fields) {
      const Shape flat = {3, 0, 11, 9}, row = {1, 0, 1, 6}, solid = {2, 4, 3, 5};
      for (const Shape& shape : {flat, row}) {
        const auto a = fill(shape, random), b = test::fields[0].second(shape, random);
        Steps<2, Merging::kVoxels>(sequence, shape, a, b).run();
        Steps<2, Merging::kTopCells>(sequence, shape, b, a).run();
      }
      const auto a = fill(solid, random), b = test::fields[0].second(solid, random);
      Steps<3, Merging::kVoxels>(sequence, solid, a, b).run();
      Steps<3, Merging::kTopCells>(sequence, solid, b, a).run();
    }
  }
  return test::finish("topology kernels");
}
