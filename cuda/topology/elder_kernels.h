// The scans of the elder rule. A level is two launches: what each block's chunk hands on, and the scan itself. Levels
// with few joints are finished by one block.
#pragma once

#include "cuda/parallel/block.h"
#include "cuda/topology/elder.h"

namespace cutloss::cuda {

template <int kOrders>
struct Ancestry {
  Key elder[kOrders];

  __device__ void meet(const Ancestry& other) {
#pragma unroll
    for (int q = 0; q < kOrders; ++q) elder[q] = other.elder[q] < elder[q] ? other.elder[q] : elder[q];
  }
  __device__ static Ancestry unknown() {
    Ancestry a;
#pragma unroll
    for (int q = 0; q < kOrders; ++q) a.elder[q] = kNoKey;
    return a;
  }
};

template <class G, int kOrders>
class LevelScan {
 public:
  static constexpr size_t kSharedBytes =
      Together::kSharedBytes + kBlockWarps * (sizeof(Ancestry<kOrders>) + sizeof(Key));

  __device__ LevelScan(const Elders<G>& elders, uint32_t begin, uint32_t end)
      : e_(elders), c_(elders.chains), begin_(begin), count_(end - begin) {}

  /// What a chunk hands on: the elder of all joints from the last beginning of a chain on.
  __device__ void summarise() const {
    Together together;
    const Chunk chunk = Chunk::of(count_);
    uint32_t last = 0;  // beginning, plus one
    for_each_in_chunk(count_, [&](uint32_t i) { last = begins(begin_ + i) && i + 1 > last ? i + 1 : last; });
    last = together.reduce(last, [](uint32_t a, uint32_t b) { return a > b ? a : b; });
    Ancestry<kOrders> all = Ancestry<kOrders>::unknown();
    const uint32_t from = last > 0 ? last - 1 : chunk.begin;
    for_each_in_chunk(count_, [&](uint32_t i) {
      if (i >= from) all.meet(at(begin_ + i));
    });
    reduce(together, &all);
    if (threadIdx.x > 0) return;
    e_.block_begins[blockIdx.x] = last > 0;
#pragma unroll
    for (int q = 0; q < kOrders; ++q) e_.block_elders[blockIdx.x * kMostOrders + q] = all.elder[q];
  }

  __device__ void scan() const {
    Together together;
    Ancestry<kOrders> before = handed_on(together);
    const Chunk chunk = Chunk::of(count_);
    for (uint64_t tile = chunk.begin; tile < chunk.end; tile += kBlockThreads) {
      const uint64_t i = tile + threadIdx.x;
      const bool there = i < chunk.end;
      const uint32_t position = begin_ + static_cast<uint32_t>(there ? i : chunk.end - 1);
      scan_tile(position, there, &before);
    }
  }

 private:
  __device__ bool begins(uint32_t position) const { return c_.other_pickers[position] != kNone; }
  __device__ bool ends(uint32_t position) const {
    return position + 1 == c_.count || c_.chains[position + 1] != c_.chains[position];
  }

  /// In the q-th order, the grid where a node is looked up, as a distance.
  __device__ uint32_t distance(uint32_t node, int q) const {
    if (q == 0 || kOrders == 1) return 0;
    const uint32_t which = e_.graph.fields.which(node), places = e_.graph.fields.places();
    if (G::kDual) return (kComparison - which) * places;
    return which == kComparison ? (q - 1 - kComparison) * places : 0;
  }
  __device__ Key key_of(uint32_t node, int q) const {
    return G::key(e_.graph.rank_of_node(node + distance(node, q)), node);
  }
  __device__ Ancestry<kOrders> total(uint32_t supervertex) const {
    Ancestry<kOrders> a;
    const uint32_t nodes = e_.graph.nodes();
#pragma unroll
    for (int q = 0; q < kOrders; ++q) {
      const uint32_t node = supervertex < nodes ? supervertex : e_.totals[q][supervertex - nodes];
      a.elder[q] = key_of(node, q);
    }
    return a;
  }
  __device__ Ancestry<kOrders> at(uint32_t position) const {
    Ancestry<kOrders> a = total(c_.pickers[position]);
    if (begins(position)) a.meet(total(c_.other_pickers[position]));
    return a;
  }

  __device__ static void reduce(Together& together, Ancestry<kOrders>* all) {
#pragma unroll
    for (int q = 0; q < kOrders; ++q) {
      all->elder[q] = together.reduce(all->elder[q], [](Key a, Key b) { return a < b ? a : b; });
    }
  }

  /// What the chunks before this one hand on.
  __device__ Ancestry<kOrders> handed_on(Together& together) const {
    Ancestry<kOrders> all = Ancestry<kOrders>::unknown();
    uint32_t from = 0;
    for (uint32_t block = threadIdx.x; block < blockIdx.x; block += kBlockThreads) {
      if (e_.block_begins[block]) from = block;
    }
    from = together.reduce(from, [](uint32_t a, uint32_t b) { return a > b ? a : b; });
    for (uint32_t block = from + threadIdx.x; block < blockIdx.x; block += kBlockThreads) {
      Ancestry<kOrders> there;
#pragma unroll
      for (int q = 0; q < kOrders; ++q) there.elder[q] = e_.block_elders[block * kMostOrders + q];
      all.meet(there);
    }
    reduce(together, &all);
    return all;
  }

  /// *before: what the tiles before hand on, and then what this one does.
  __device__ void scan_tile(uint32_t position, bool there, Ancestry<kOrders>* before) const {
    auto* of_warps = reinterpret_cast<Ancestry<kOrders>*>(ptx::shared_arena<char>() + Together::kSharedBytes);
    auto* begun = reinterpret_cast<uint32_t*>(of_warps + kBlockWarps);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    Ancestry<kOrders> own = Ancestry<kOrders>::unknown(), other = own, through;
    bool first = false;
    if (there) {
      own = total(c_.pickers[position]);
      first = begins(position);
      if (first) other = total(c_.other_pickers[position]);
    }
    through = own;
    through.meet(other);
    bool begun_here = first;
    for (int distance = 1; distance < 32; distance *= 2) {
      const Ancestry<kOrders> earlier = shuffle_up(through, distance);
      const bool begun_earlier = __shfl_up_sync(~0u, begun_here ? 1 : 0, distance) != 0;
      if (lane < distance) continue;
      if (!begun_here) through.meet(earlier);
      begun_here = begun_here || begun_earlier;
    }
    __syncthreads();  // all have read what the last tile left
    if (lane == 31) {
      of_warps[warp] = through;
      begun[warp] = begun_here;
    }
    __syncthreads();
    Ancestry<kOrders> handed = *before, all = *before;
    for (int w = 0; w < kBlockWarps; ++w) {
      if (begun[w])
        all = of_warps[w];
      else
        all.meet(of_warps[w]);
      if (w + 1 == warp) handed = all;
    }
    *before = all;
    if (!begun_here) through.meet(handed);
    Ancestry<kOrders> previous = shuffle_up(through, 1);
    if (lane == 0) previous = handed;
    if (first) previous = other;
    if (there) settle(position, previous, own, through);
  }

  __device__ static Ancestry<kOrders> shuffle_up(const Ancestry<kOrders>& from, int distance) {
    Ancestry<kOrders> a;
#pragma unroll
    for (int q = 0; q < kOrders; ++q) a.elder[q] = __shfl_up_sync(~0u, from.elder[q], distance);
    return a;
  }

  /// The joint's two sides are known: the younger of their elders dies.
  __device__ void settle(uint32_t position, const Ancestry<kOrders>& side, const Ancestry<kOrders>& other_side,
                         const Ancestry<kOrders>& both) const {
    uint32_t dying[kOrders];
#pragma unroll
    for (int q = 0; q < kOrders; ++q) {
      const Key younger = side.elder[q] > other_side.elder[q] ? side.elder[q] : other_side.elder[q];
      dying[q] = G::number_of(younger);
    }
    note(e_.pick[c_.pickers[position]], dying);
    if (!ends(position)) return;
#pragma unroll
    for (int q = 0; q < kOrders; ++q) e_.totals[q][c_.chains[position]] = G::number_of(both.elder[q]);
  }

  __device__ void note(uint32_t joint, const uint32_t (&dying)[kOrders]) const {
    const auto& fields = e_.graph.fields;
    const uint32_t node = dying[0], which = fields.which(node), places = fields.places();
    if (e_.graph.rank_of_node(node) == e_.graph.rank_of_joint(joint)) return;
    const bool compared = kOrders > 1, is_comparison = compared && which == kComparison;
    if (compared && which == kPrediction && !lasts(node, joint)) return;
    e_.deaths.joint[node] = joint;
    if (!compared || is_comparison == G::kDual) return;
    if constexpr (G::kDual && kOrders > 1) e_.deaths.image[dying[1]] = node;
    if constexpr (!G::kDual && kOrders > 2) {
      e_.deaths.image[node - 2 * places] = dying[1] - 2 * places;
      e_.deaths.image[node - places] = dying[2] - places;
    }
  }

  __device__ bool lasts(uint32_t node, uint32_t joint) const {
    if (e_.deaths.least == 0) return true;
    const uint32_t* ranks = e_.graph.fields.ranks;
    const double birth = math::value_of_rank(ranks[e_.graph.birth(node, joint)]);
    return math::value_of_rank(ranks[e_.graph.death(node, joint)]) - birth >= e_.deaths.least;
  }

  const Elders<G>& e_;
  const Chains& c_;
  const uint32_t begin_, count_;
};

template <class G, int kOrders>
__global__ void __launch_bounds__(kBlockThreads)
    summarise_level_kernel(const __grid_constant__ Elders<G> elders, uint32_t begin, uint32_t end) {
  LevelScan<G, kOrders>(elders, begin, end).summarise();
}
template <class G, int kOrders>
__global__ void __launch_bounds__(kBlockThreads)
    scan_level_kernel(const __grid_constant__ Elders<G> elders, uint32_t begin, uint32_t end) {
  LevelScan<G, kOrders>(elders, begin, end).scan();
}

/// One block, all levels from one on.
template <class G, int kOrders>
__global__ void __launch_bounds__(kBlockThreads)
    scan_levels_kernel(const __grid_constant__ Elders<G> elders, const ForestCounts* counts, uint32_t first) {
  for (uint32_t level = first; level < counts->levels; ++level) {
    const uint32_t begin = counts->orders[level], end = counts->orders[level + 1];
    if (begin < end) LevelScan<G, kOrders>(elders, begin, end).scan();
    __syncthreads();
  }
}

template <class G, int kOrders>
uint32_t find_deaths_in(Sequence& sequence, const Elders<G>& elders, const ForestCounts& counts,
                        const ForestCounts* counts_there) {
  constexpr size_t kShared = LevelScan<G, kOrders>::kSharedBytes;
  const uint32_t all = elders.chains.count;
  uint32_t level = 1, alone = 0;
  for (; level < counts.levels && all - counts.orders[level] > sequence.probe.one_block_items; ++level) {
    const uint32_t begin = counts.orders[level], end = counts.orders[level + 1];
    if (begin == end) continue;
    const int blocks = sequence.blocks_for(end - begin);
    if (blocks > 1) sequence.run(summarise_level_kernel<G, kOrders>, blocks, kShared, elders, begin, end);
    sequence.run(scan_level_kernel<G, kOrders>, blocks, kShared, elders, begin, end);
    ++alone;
  }
  if (level < counts.levels && counts.orders[level] < all) {
    sequence.run(scan_levels_kernel<G, kOrders>, 1, kShared, elders, counts_there, level);
  }
  return alone;
}

template <class G>
uint32_t find_deaths(Sequence& sequence, const Elders<G>& elders, const ForestCounts& counts,
                     const ForestCounts* counts_there) {
  constexpr int kCompared = G::kDual ? 2 : 3;
  if (elders.graph.fields.per_item == 1)
    return find_deaths_in<G, 1>(sequence, elders, counts, counts_there);
  else
    return find_deaths_in<G, kCompared>(sequence, elders, counts, counts_there);
}

}  // namespace cutloss::cuda
