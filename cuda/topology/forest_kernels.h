// The kernels that grow a forest and bring its joints into the order of chains, and the sequence of their launches.
#pragma once

#include "cuda/topology/forest_steps.h"

namespace cutloss::cuda {

constexpr int kThreads = kBlockThreads;

template <class G>
__global__ void __launch_bounds__(kThreads) begin_kernel(const __grid_constant__ Forest<G> f) {
  const uint32_t nodes = f.graph.nodes();
  for_each_in_chunk(nodes, [&](uint32_t node) {
    f.component[node] = f.graph.node_at(node);
    f.best[node] = kNoKey;
    f.up[node] = f.up[nodes + node] = kNone;
  });
  if (blockIdx.x > 0 || threadIdx.x > 0) return;
  f.counts->live = 0;
  f.counts->levels = 1;
  f.counts->begins[0] = 0;
  f.counts->begins[1] = nodes;
}

/// Each block looks through what is left of its chunk of the joints.
template <class G>
__global__ void __launch_bounds__(kThreads)
    sweep_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Labels labels, Key* best) {
  const Level level = Level::last(*f.counts);
  const Round<G> round(f, level, labels, best);
  const Chunk chunk = Chunk::of(f.graph.joints());
  uint32_t* list = f.list + chunk.begin;
  uint32_t live;
  if (level.number == 0) {
    live = round.sweep(chunk.end - chunk.begin, list,
                       [&](uint32_t i) { return f.graph.exists(chunk.begin + i) ? chunk.begin + i : kNone; });
  } else {
    live = round.sweep(f.block_live[blockIdx.x], list, [&](uint32_t i) { return list[i]; });
  }
  __syncthreads();  // all have read how many there were
  if (threadIdx.x > 0) return;
  f.block_live[blockIdx.x] = live;
  if (live > 0) atomicAdd(&f.counts->live, live);
}

template <class G>
__global__ void __launch_bounds__(kThreads)
    hook_kernel(const __grid_constant__ Forest<G> f, Level level, const __grid_constant__ Labels labels, Key* best) {
  Round<G>(f, level, labels, best).hook();
}
/// Beside the first jump goes whatever may: nothing here reads what another part writes.
template <class G>
__global__ void __launch_bounds__(kThreads)
    number_kernel(const __grid_constant__ Forest<G> f, Level level, const __grid_constant__ Labels labels, Key* best,
                  Key* next_best) {
  const Round<G> round(f, level, labels, best);
  round.number();
  round.jump(0);
  round.relabel();
  for_each_in_chunk(level.count / 2, [&](uint32_t s) { next_best[s] = kNoKey; });
}
template <class G>
__global__ void __launch_bounds__(kThreads) jump_kernel(const __grid_constant__ Forest<G> f, Level level,
                                                        const __grid_constant__ Labels labels, Key* best, int turn) {
  Round<G>(f, level, labels, best).jump(turn);
}

/// Puts what `chunks` blocks have left on their lists one behind the other.
template <class G>
__device__ void gather_few(const Forest<G>& f, int chunks) {
  Together together;
  uint32_t before = 0;
  for (int first = 0; first < chunks; first += kThreads) {
    const int chunk = first + static_cast<int>(threadIdx.x);
    uint32_t of_tile;
    const uint32_t here = together.sum_before(chunk < chunks ? f.block_live[chunk] : 0, &of_tile);
    if (chunk < chunks) f.block_counts[chunk] = before + here;
    before += of_tile;
  }
  __syncthreads();
  for_each_in_chunk(before, [&](uint32_t i) {
    int low = 0, high = chunks;  // the last chunk that begins at i or before
    while (high - low > 1) {
      const int middle = low + (high - low) / 2;
      (f.block_counts[middle] <= i ? low : high) = middle;
    }
    f.few[i] = f.list[Chunk::of(f.graph.joints(), low, chunks).begin + i - f.block_counts[low]];
  });
}

/// One block does a round of a small level; if there are no more than `few` live joints, all rounds that are left.
/// Since it is the only one, it may have all the registers it wants. `components`: how many labels.current has.
template <class G>
__global__ void __launch_bounds__(kThreads, 1)
    finish_kernel(const __grid_constant__ Forest<G> f, const __grid_constant__ Labels labels, Key* best,
                  uint32_t components, bool first, uint32_t few, int chunks) {
  Level level = Level::last(*f.counts);
  uint32_t live = f.counts->live;
  const bool alone = live <= few;
  if (first) for_each_in_chunk(components, [&](uint32_t i) { labels.current[i] = i; });
  __syncthreads();
  if (alone) gather_few(f, chunks);
  __syncthreads();
  while (live > 0) {
    const Round<G> round(f, level, labels, best);
    round.hook();
    __syncthreads();
    round.number();
    __syncthreads();
#pragma unroll 1
    for (int turn = 0; turn < round.jumps(); ++turn) {
      round.jump(turn);
      __syncthreads();
    }
    level = Level::last(*f.counts);
    round.relabel_current(components);
    for_each_in_chunk(level.count, [&](uint32_t s) { best[s] = kNoKey; });
    __syncthreads();
    if (!alone) return;
    live = Round<G>(f, level, labels, best).sweep(live, f.few, [&](uint32_t i) { return f.few[i]; });
    __syncthreads();
  }
}

template <class G>
Status grow(Sequence& sequence, const Forest<G>& f, ForestCounts* counts) {
  const size_t shared = Together::kSharedBytes;
  const int node_blocks = sequence.blocks_for(f.graph.nodes()), chunks = sequence.blocks_for(f.graph.joints());
  const uint32_t few = sequence.probe.one_block_items, few_components = few > 0 ? kOneBlockComponents : 0;
  Labels labels = {f.component, nullptr, 0, nullptr};
  Key* best = f.best;
  uint32_t components = 0;
  sequence.run(begin_kernel<G>, node_blocks, shared, f);
  for (;;) {
    sequence.run(sweep_kernel<G>, chunks, shared, f, labels, best);
    CUTLOSS_TRY(sequence.read(f.counts, counts));
    if (counts->live == 0) break;
    const Level level = Level::last(*counts);
    if (level.count <= few_components) {
      const bool first = labels.current == nullptr;
      if (first) components = level.count;
      labels.current = f.current;
      sequence.run(finish_kernel<G>, 1, shared, f, labels, best, components, first, few, chunks);
      if (counts->live > few) continue;
      CUTLOSS_TRY(sequence.read(f.counts, counts));
      break;
    }
    Key* next_best = best + (level.count + 1) / 2;
    sequence.run(hook_kernel<G>, node_blocks, shared, f, level, labels, best);
    sequence.run(number_kernel<G>, node_blocks, shared, f, level, labels, best, next_best);
    for (int turn = 1; turn < jumps_for(level.count); ++turn) {
      sequence.run(jump_kernel<G>, sequence.blocks_for(level.count), shared, f, level, labels, best, turn);
    }
    labels = {f.component, f.up + level.begin, level.end(), nullptr};
    best = next_best;
  }
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
