// The kernels that grow a forest and bring its joints into the order of chains, and the sequence of their launches.
#pragma once

#include "cuda/topology/forest_steps.h"

namespace cutloss::cuda {

constexpr int kThreads = kTopologyThreads;

template <class G>
__global__ void __launch_bounds__(kThreads) begin_kernel(const __grid_constant__ Forest<G> f) {
  for_each_in_chunk(f.graph.nodes(), [&](uint32_t node) {
    f.component[node] = f.graph.node_at(node);
    f.best[node] = kNoKey;
  });
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    offer_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).offer_all();
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    hook_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).hook();
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    number_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).number();
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    jump_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level, int turn, bool last) {
  Round<G>(f, level, {f.component, nullptr}).jump(turn, last);
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    relabel_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).relabel(f.component, f.graph.nodes());
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    count_live_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).count_live();
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    list_live_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Level level) {
  Round<G>(f, level, {f.component, nullptr}).list_live();
}

/// One block, all rounds from a small level on; since it is the only one, it may have all the registers it wants.
/// `current`, [level.count], says what became of that level's components.
template <class G>
__global__ void __launch_bounds__(kThreads, 1)
    finish_kernel(const __grid_constant__ Forest<G> f, Level level, uint32_t* current) {
  const uint32_t components = level.count;
  for_each_in_chunk(components, [&](uint32_t i) { current[i] = i; });
  __syncthreads();
  while (level.live > 0) {
    const Round<G> round(f, level, {f.component, current});
    round.hook();
    __syncthreads();
    round.number();
    __syncthreads();
    const int jumps = jumps_for(level.count);
#pragma unroll 1
    for (int turn = 0; turn < jumps; ++turn) {
      round.jump(turn, turn + 1 == jumps);
      __syncthreads();
    }
    round.relabel(current, components);
    __syncthreads();
    round.count_live();
    __syncthreads();
    round.list_live();
    __syncthreads();
    level = level.next(*f.counts, f.lists);
    __syncthreads();
  }
}

template <class G>
Status grow(Sequence& sequence, const Forest<G>& f, ForestCounts* counts) {
  const G& graph = f.graph;
  const size_t shared = Together::kSharedBytes;
  const int node_blocks = sequence.blocks_for(graph.nodes());
  Level level = {0, 0, graph.nodes(), graph.joints(), nullptr, f.lists[0]};
  int64_t rounds = 0;
  sequence.fill(f.up, 0xff, size_t{8} * graph.nodes());
  sequence.run(begin_kernel<G>, node_blocks, shared, f);
  sequence.run(offer_kernel<G>, sequence.blocks_for(level.live), shared, f, level);
  do {
    const int blocks = sequence.blocks_for(level.count), live_blocks = sequence.blocks_for(level.live);
    sequence.run(hook_kernel<G>, blocks, shared, f, level);
    sequence.run(number_kernel<G>, blocks, shared, f, level);
    const int jumps = jumps_for(level.count);
    for (int turn = 0; turn < jumps; ++turn) {
      sequence.run(jump_kernel<G>, blocks, shared, f, level, turn, turn + 1 == jumps);
    }
    sequence.run(relabel_kernel<G>, node_blocks, shared, f, level);
    sequence.run(count_live_kernel<G>, live_blocks, shared, f, level);
    sequence.run(list_live_kernel<G>, live_blocks, shared, f, level);
    CUTLOSS_TRY(sequence.read(f.counts, counts));
    level = level.next(*counts, f.lists);
    ++rounds;
  } while (level.live > sequence.probe.one_block_items || (level.live > 0 && level.count > kOneBlockComponents));
  if (level.live > 0) {
    sequence.run(finish_kernel<G>, 1, shared, f, level, f.current);
    CUTLOSS_TRY(sequence.read(f.counts, counts));
    rounds = counts->levels - 1;
  }
  sequence.probe.most_rounds = std::max(sequence.probe.most_rounds, rounds);
  return {};
}

// ---- chains

template <class G>
__global__ void __launch_bounds__(kThreads)
    own_kernel(const __grid_constant__ Forest<G> f, uint32_t supervertices, uint32_t* owners) {
  for_each_in_chunk(supervertices, [&](uint32_t s) {
    if (f.up[s] != kNone && f.root(f.up[s]) != s) owners[f.pick[s]] = s;
  });
}

/// The i-th joint as keys ascend among equal ranks.
template <class G>
__device__ __forceinline__ uint32_t joint_in_order(const G& graph, uint32_t i) {
  return G::kDual ? graph.joints() - 1 - i : i;
}

template <class G>
__global__ void __launch_bounds__(kThreads)
    count_owned_kernel(const __grid_constant__ Forest<G> f, const uint32_t* owners) {
  count_in_chunk(f.graph.joints(), f.block_counts,
                 [&](uint32_t i) { return owners[joint_in_order(f.graph, i)] != kNone; });
}
template <class G>
__global__ void __launch_bounds__(kThreads)
    list_owned_kernel(const __grid_constant__ Forest<G> f, const uint32_t* owners, Pairs pairs) {
  const uint32_t total = place_in_chunk(
      f.graph.joints(), f.block_counts, [&](uint32_t i) { return owners[joint_in_order(f.graph, i)] != kNone; },
      [&](uint32_t i, uint32_t position) {
        const uint32_t joint = joint_in_order(f.graph, i), rank = f.graph.rank_of_joint(joint);
        pairs.keys[position] = G::kDual ? ~rank : rank;
        pairs.values[position] = owners[joint];
      });
  if (blockIdx.x == 0 && threadIdx.x == 0) f.counts->joints = total;
}

template <class G>
__global__ void __launch_bounds__(kThreads)
    climb_kernel(const __grid_constant__ Forest<G> f, uint32_t count, Pairs pairs) {
  for_each_in_chunk(count, [&](uint32_t i) {
    const uint32_t picker = pairs.values[i];
    const Key key = f.graph.key_of_joint(f.pick[picker]);
    uint32_t s = f.up[picker];
    while (f.up[s] != kNone && f.graph.key_of_joint(f.pick[s]) < key) s = f.up[s];
    pairs.keys[i] = s - f.graph.nodes();
  });
}

template <class G>
__global__ void __launch_bounds__(kThreads)
    tell_pickers_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Chains chains) {
  for_each_in_chunk(chains.count, [&](uint32_t i) { chains.other_pickers[i] = f.other_picker(chains.pickers[i]); });
  if (blockIdx.x > 0 || threadIdx.x > f.counts->levels) return;
  const uint32_t begin = f.counts->begins[threadIdx.x], nodes = f.graph.nodes();
  uint32_t low = 0, high = chains.count;  // the first chain of the level or above
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (begin > nodes && chains.chains[middle] < begin - nodes)
      low = middle + 1;
    else
      high = middle;
  }
  f.counts->orders[threadIdx.x] = low;
}

/// A bit for each joint that is in the forest.
template <class G>
__global__ void __launch_bounds__(kThreads)
    mark_owned_kernel(const __grid_constant__ Forest<G> f, const uint32_t* owners, uint32_t* bits) {
  const uint32_t joints = f.graph.joints();
  for_each_in_chunk(joints / 32 + 1, [&](uint32_t word) {
    uint32_t marks = 0;
    for (uint32_t bit = 0; bit < 32; ++bit) {
      const uint64_t joint = uint64_t{word} * 32 + bit;
      marks |= (joint < joints && owners[joint] != kNone ? 1u : 0u) << bit;
    }
    bits[word] = marks;
  });
}

template <class G>
Status order_by_chain(Sequence& sequence, const Forest<G>& f, const ChainMemory& memory, ForestCounts* counts,
                      Chains* chains) {
  const size_t shared = Together::kSharedBytes;
  const uint32_t joints = f.graph.joints(), supervertices = counts->begins[counts->levels];
  const int joint_blocks = sequence.blocks_for(joints);
  sequence.fill(memory.owners, 0xff, size_t{4} * joints);
  sequence.run(own_kernel<G>, sequence.blocks_for(supervertices), shared, f, supervertices, memory.owners);
  sequence.run(count_owned_kernel<G>, joint_blocks, shared, f, memory.owners);
  sequence.run(list_owned_kernel<G>, joint_blocks, shared, f, memory.owners, memory.pairs);
  if (memory.marks) {
    sequence.run(mark_owned_kernel<G>, sequence.blocks_for(joints / 32), shared, f, memory.owners, memory.marks);
  }
  CUTLOSS_TRY(sequence.read(f.counts, counts));

  Pairs pairs = memory.pairs, other = memory.other;
  const uint32_t count = counts->joints;
  const int blocks = sequence.blocks_for(count);
  sort_pairs(sequence, &pairs, &other, count, 32, memory.sort_counts);
  sequence.run(climb_kernel<G>, blocks, shared, f, count, pairs);
  sort_pairs(sequence, &pairs, &other, count, bits_of_count(supervertices - f.graph.nodes()), memory.sort_counts);
  *chains = {pairs.values, pairs.keys, other.values, other.keys, count};
  sequence.run(tell_pickers_kernel<G>, blocks, shared, f, *chains);
  return sequence.read(f.counts, counts);
}

}  // namespace cutloss::cuda
