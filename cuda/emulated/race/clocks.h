// Who knows what to be over. Every actor (a thread, the tensor core of a warp, the copy engine on behalf of one
// mbarrier) has a clock, every thread a vector of the clocks it knows; barriers and waits merge vectors.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cutloss::emulated {

using Clock = uint32_t;
using ClockVector = std::vector<Clock>;
using Actor = uint16_t;

// Later than anything that any thread can know of.
inline constexpr Clock kInFlight = UINT32_MAX;

class Clocks {
 public:
  // Everything before is over for everybody.
  void start_block(int threads);

  int threads() const { return threads_; }
  Actor tensor_core(int warp) const { return static_cast<Actor>(threads_ + warp); }
  Actor copy_engine(size_t mbarrier);
  bool is_thread(Actor actor) const { return actor < threads_; }
  bool is_tensor_core(Actor actor) const { return actor >= threads_ && actor < first_copy_engine_; }
  size_t mbarrier_of(Actor actor) const { return mbarriers_[static_cast<size_t>(actor) - first_copy_engine_]; }

  Clock now(int thread) const { return known_[static_cast<size_t>(thread)][static_cast<size_t>(thread)]; }

  // Whether what `actor` did at `clock` is over, as far as `thread` knows.
  bool knows(int thread, Actor actor, Clock clock) const {
    if (clock <= (is_thread(actor) ? floor_ : block_floor_)) return true;
    const ClockVector& known = known_[static_cast<size_t>(thread)];
    return actor < known.size() && known[actor] >= clock;
  }

  // What `thread` does from now on is not covered by what others have learned from it so far.
  void advance(int thread) { known_[static_cast<size_t>(thread)][static_cast<size_t>(thread)] = ++last_; }

  // A moment for an actor that is no thread.
  Clock tick() { return ++last_; }

  void learn(int thread, Actor actor, Clock clock);
  void learn(int thread, const ClockVector& clocks);
  void barrier(std::span<const int> arrived, std::span<const int> waited);

  const ClockVector& known_to(int thread) const { return known_[static_cast<size_t>(thread)]; }
  Clock floor() const { return floor_; }
  bool nearly_exhausted() const { return last_ > kInFlight / 2; }
  bool is_current_block(Clock clock) const { return clock > block_floor_; }

 private:
  void full_barrier();

  int threads_ = 0;
  size_t first_copy_engine_ = 0;
  std::vector<size_t> mbarriers_;  // by copy engine
  std::vector<ClockVector> known_;
  Clock last_ = 0;
  Clock floor_ = 0;        // clocks of threads up to here are known to all (the last barrier of all threads)
  Clock block_floor_ = 0;  // clocks of other actors up to here belong to blocks that have ended
};

void merge(ClockVector& into, std::span<const Clock> from);

}  // namespace cutloss::emulated
