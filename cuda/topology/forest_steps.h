// The steps of a round, each over chunks of a list. On large levels every step is a launch; on small ones a single
// block does them all, one after another. No step follows more than kHops pointers.
#pragma once

#include "cuda/topology/block.h"
#include "cuda/topology/forest.h"

namespace cutloss::cuda {

/// The supervertex of a node within the level: `current` says where the components of an earlier level are now.
struct Labels {
  const uint32_t* component;
  uint32_t* current;  // null: components are up to date

  __device__ uint32_t of(uint32_t node) const {
    const uint32_t label = component[node];
    return current && label != kNone ? current[label] : label;
  }
};

template <class GraphOf>
class Round {
 public:
  __device__ Round(const Forest<GraphOf>& forest, const Level& level, Labels labels)
      : f_(forest), level_(level), labels_(labels), numbers_(reinterpret_cast<uint32_t*>(forest.best)) {}

  /// A joint offers itself to both ends.
  __device__ void offer(uint32_t joint) const {
    const uint32_t a = labels_.of(f_.graph.first_place(joint)), b = labels_.of(f_.graph.second_place(joint));
    if (a == b) return;
    const Key key = f_.graph.key_of_joint(joint);
    // Most offers come too late, and looking is cheaper than asking.
    if (key < f_.best[a]) atomicMin(&f_.best[a], key);
    if (key < f_.best[b]) atomicMin(&f_.best[b], key);
  }
  __device__ void offer_all() const {
    for_each_in_chunk(level_.live, [&](uint32_t i) {
      const uint32_t joint = joint_at(i);
      if (f_.graph.exists(joint)) offer(joint);
    });
  }

  /// Hooks every supervertex to the other end of its pick; of two that pick the same joint, the smaller stays a root.
  __device__ void hook() const {
    count_in_chunk(level_.count, f_.block_counts, [&](uint32_t s) {
      const Key key = f_.best[s];
      uint32_t to = s, joint = kNone;
      if (key != kNoKey) {
        joint = f_.graph.number_of(key);
        const uint32_t a = labels_.of(f_.graph.first_place(joint)), b = labels_.of(f_.graph.second_place(joint));
        const uint32_t other = a == s ? b : a;
        if (f_.best[other] != key || other < s) to = other;
      }
      f_.pick[level_.begin + s] = joint;
      f_.up[level_.begin + s] = to;
      return is_root(s);
    });
  }

  /// Numbers the roots: they are the next level.
  __device__ void number() const {
    const uint32_t total = place_in_chunk(
        level_.count, f_.block_counts, [&](uint32_t s) { return is_root(s); },
        [&](uint32_t s, uint32_t number) {
          numbers_[s] = number;
          f_.root(level_.end() + number) = level_.begin + s;
        });
    if (blockIdx.x > 0 || threadIdx.x > 0) return;
    f_.counts->supervertices = total;
    f_.counts->levels = level_.number + 2;
    f_.counts->begins[level_.number] = level_.begin;
    f_.counts->begins[level_.number + 1] = level_.end();
    f_.counts->begins[level_.number + 2] = level_.end() + total;
  }

  /// Every hook to where kHops hooks lead. The last of an even number of jumps leaves supervertices of the next level.
  __device__ void jump(int turn, bool last) const {
    uint32_t *hooks = f_.up + level_.begin, *spare = numbers_ + level_.count;
    const uint32_t* from = turn % 2 ? spare : hooks;
    uint32_t* to = turn % 2 ? hooks : spare;
    for_each_in_chunk(level_.count, [&](uint32_t s) {
      uint32_t at = from[s];
#pragma unroll 1
      for (int hop = 1; hop < kHops; ++hop) {
        const uint32_t further = from[at];
        if (further == at) break;
        at = further;
      }
      if (last) at = f_.pick[level_.begin + at] == kNone ? kNone : level_.end() + numbers_[at];
      to[s] = at;
    });
  }

  /// Nodes (or components of an earlier level) learn their new supervertex.
  __device__ void relabel(uint32_t* labels, uint32_t count) const {
    for_each_in_chunk(count, [&](uint32_t i) {
      if (labels[i] == kNone) return;
      const uint32_t up = f_.up[level_.begin + labels[i]];
      labels[i] = up == kNone ? kNone : up - level_.end();
    });
  }

  /// Counts the joints that are still between two supervertices.
  __device__ void count_live() const {
    for_each_in_chunk(f_.counts->supervertices, [&](uint32_t s) { f_.best[s] = kNoKey; });
    count_in_chunk(level_.live, f_.block_counts, [&](uint32_t i) { return is_live(joint_at(i)); });
  }
  /// Lists them, and they offer themselves to the supervertices of the next level.
  __device__ void list_live() const {
    const uint32_t total = place_in_chunk(
        level_.live, f_.block_counts, [&](uint32_t i) { return is_live(joint_at(i)); },
        [&](uint32_t i, uint32_t position) {
          level_.next_list[position] = joint_at(i);
          offer(joint_at(i));
        });
    if (blockIdx.x == 0 && threadIdx.x == 0) f_.counts->live = total;
  }

 private:
  __device__ uint32_t joint_at(uint32_t i) const { return level_.list ? level_.list[i] : i; }
  __device__ bool is_root(uint32_t s) const {
    return f_.up[level_.begin + s] == s && f_.pick[level_.begin + s] != kNone;
  }
  __device__ bool is_live(uint32_t joint) const {
    if (!level_.list && !f_.graph.exists(joint)) return false;
    return labels_.of(f_.graph.first_place(joint)) != labels_.of(f_.graph.second_place(joint));
  }

  const Forest<GraphOf>& f_;
  const Level level_;
  const Labels labels_;
  uint32_t* const numbers_;
};

}  // namespace cutloss::cuda
