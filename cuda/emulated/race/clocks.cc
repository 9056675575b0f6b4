// Vector clocks with a shortcut: a barrier of all threads raises a floor and leaves the vectors alone.
#include "cuda/emulated/race/clocks.h"

#include <algorithm>

namespace cutloss::emulated {

void merge(ClockVector& into, std::span<const Clock> from) {
  into.resize(std::max(into.size(), from.size()), 0);
  for (size_t i = 0; i < from.size(); i++) into[i] = std::max(into[i], from[i]);
}

void Clocks::start_block(int threads) {
  threads_ = threads;
  first_copy_engine_ = static_cast<size_t>(threads + (threads + 31) / 32);
  mbarriers_.clear();
  floor_ = block_floor_ = last_++;
  known_.resize(static_cast<size_t>(threads));
  for (int t = 0; t < threads; t++) {
    ClockVector& known = known_[static_cast<size_t>(t)];
    known.resize(first_copy_engine_);  // what is left from earlier blocks lies below the floor
    known[static_cast<size_t>(t)] = last_;
  }
}

Actor Clocks::copy_engine(size_t mbarrier) {
  const auto found = std::find(mbarriers_.begin(), mbarriers_.end(), mbarrier);
  const size_t i = static_cast<size_t>(found - mbarriers_.begin());
  if (found == mbarriers_.end()) mbarriers_.push_back(mbarrier);
  return static_cast<Actor>(first_copy_engine_ + i);
}

void Clocks::learn(int thread, Actor actor, Clock clock) {
  ClockVector& known = known_[static_cast<size_t>(thread)];
  if (known.size() <= actor) known.resize(size_t{actor} + 1);
  known[actor] = std::max(known[actor], clock);
}

void Clocks::learn(int thread, const ClockVector& clocks) { merge(known_[static_cast<size_t>(thread)], clocks); }

void Clocks::barrier(std::span<const int> arrived, std::span<const int> waited) {
  if (arrived.size() == known_.size() && waited.size() == known_.size()) return full_barrier();
  ClockVector all;
  for (int t : arrived) merge(all, known_to(t));
  for (int t : waited) learn(t, all);
  for (int t : arrived) advance(t);
}

void Clocks::full_barrier() {
  const auto first_other = static_cast<ptrdiff_t>(threads_);
  ClockVector others;
  for (const ClockVector& known : known_) merge(others, std::span(known).subspan(static_cast<size_t>(threads_)));
  floor_ = last_++;
  for (int t = 0; t < threads_; t++) {
    ClockVector& known = known_[static_cast<size_t>(t)];
    known.resize(static_cast<size_t>(threads_) + others.size());
    std::copy(others.begin(), others.end(), known.begin() + first_other);
    known[static_cast<size_t>(t)] = last_;
  }
}

}  // namespace cutloss::emulated
