// The steps of a round. On large levels they are launches over chunks of what there is; on small ones a single block
// does them one after another. No step follows more than kHops pointers.
#pragma once

#include "cuda/parallel/block.h"
#include "cuda/topology/forest.h"

namespace cutloss::cuda {

template <class GraphOf>
class Round {
 public:
  /// `best`: of this level's supervertices.
  __device__ Round(const Forest<GraphOf>& forest, const Level& level, const Labels& labels, Key* best)
      : f_(forest),
        level_(level),
        labels_(labels),
        best_(best),
        numbers_(reinterpret_cast<uint32_t*>(best)),
        jumps_(jumps_for(level.count)) {}

  /// Joints whose ends are still apart offer themselves to both, and stay at the beginning of the list; returns how
  /// many. `joint_at` says which joints these are, kNone for none.
  template <class JointAt>
  __device__ uint32_t sweep(uint32_t count, uint32_t* list, const JointAt& joint_at) const {
    Together together;
    uint32_t kept = 0;
#pragma unroll 1
    for (uint32_t tile = 0; tile < count; tile += kBlockThreads) {
      const uint32_t i = tile + threadIdx.x;
      const uint32_t joint = i < count ? joint_at(i) : kNone;
      const bool live = joint != kNone && offer(joint);
      uint32_t of_tile;
      const uint32_t position = kept + together.flags_before(live, &of_tile);
      if (live) list[position] = joint;  // where all have read
      kept += of_tile;
    }
    return kept;
  }

  /// Hooks every supervertex to the other end of its pick; of two that pick the same joint, the smaller stays a root.
  __device__ void hook() const {
    uint32_t* hooks = before_turn(0);
    count_in_chunk(level_.count, f_.block_counts, [&](uint32_t s) {
      const Key key = best_[s];
      uint32_t to = s, joint = kNone;
      if (key != kNoKey) {
        joint = f_.graph.number_of(key);
        const uint32_t a = labels_.of(f_.graph.first_place(joint)), b = labels_.of(f_.graph.second_place(joint));
        const uint32_t other = a == s ? b : a;
        if (best_[other] != key || other < s) to = other;
      }
      f_.pick[level_.begin + s] = joint;
      hooks[s] = to;
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
    f_.counts->live = 0;
    f_.counts->levels = level_.number + 2;
    f_.counts->begins[level_.number + 2] = level_.end() + total;
  }

  /// Every hook to where kHops hooks lead. The last jump leaves supervertices of the next level.
  __device__ void jump(int turn) const {
    const uint32_t* from = before_turn(turn);
    uint32_t* to = before_turn(turn + 1);
    const bool last = turn + 1 == jumps_;
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
  __device__ int jumps() const { return jumps_; }

  /// Components learn their supervertex of this level.
  __device__ void relabel() const {
    if (!labels_.up) return;
    for_each_in_chunk(f_.graph.nodes(), [&](uint32_t node) { labels_.component[node] = labels_.of(node); });
  }
  /// What became of the components of an earlier level.
  __device__ void relabel_current(uint32_t count) const {
    for_each_in_chunk(count, [&](uint32_t i) {
      if (labels_.current[i] == kNone) return;
      const uint32_t up = f_.up[level_.begin + labels_.current[i]];
      labels_.current[i] = up == kNone ? kNone : up - level_.end();
    });
  }

 private:
  /// A joint offers itself to both ends, if they are apart.
  __device__ bool offer(uint32_t joint) const {
    const uint32_t a = labels_.of(f_.graph.first_place(joint)), b = labels_.of(f_.graph.second_place(joint));
    if (a == b) return false;
    const Key key = f_.graph.key_of_joint(joint);
    // Most offers come too late, and looking is cheaper than asking.
    if (key < best_[a]) atomicMin(&best_[a], key);
    if (key < best_[b]) atomicMin(&best_[b], key);
    return true;
  }

  /// Jumps go back and forth between two arrays, and after the last one must have arrived at f_.up.
  __device__ uint32_t* before_turn(int turn) const { return (jumps_ - turn) % 2 ? f_.spare : f_.up + level_.begin; }
  __device__ bool is_root(uint32_t s) const { return before_turn(0)[s] == s && f_.pick[level_.begin + s] != kNone; }

  const Forest<GraphOf>& f_;
  const Level level_;
  const Labels labels_;
  Key* const best_;
  uint32_t* const numbers_;
  const int jumps_;
};

}  // namespace cutloss::cuda
