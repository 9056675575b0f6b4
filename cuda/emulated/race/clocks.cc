// Vector clocks with a shortcut: a barrier of all threads raises a floor and leaves the vectors alone.
#include "cuda/emulated/race/clocks.h"

#include <algorithm>

#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {

void merge(ClockVector& into, const ClockVector& from) {
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
    known_[static_cast<size_t>(t)].assign(first_copy_engine_ + kMaxCopyEngines, 0);
    known_[static_cast<size_t>(t)][static_cast<size_t>(t)] = last_;
  }
}

Actor Clocks::copy_engine(size_t mbarrier) {
  const auto found = std::find(mbarriers_.begin(), mbarriers_.end(), mbarrier);
  const size_t i = static_cast<size_t>(found - mbarriers_.begin());
  if (found == mbarriers_.end()) {
    if (i == kMaxCopyEngines) fail("the race checker can follow TMA loads on at most 192 mbarriers");
    mbarriers_.push_back(mbarrier);
  }
  return static_cast<Actor>(first_copy_engine_ + i);
}

void Clocks::learn(int thread, Actor actor, Clock clock) {
  Clock& known = known_[static_cast<size_t>(thread)][actor];
  known = std::max(known, clock);
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
  const size_t begin = static_cast<size_t>(threads_), end = first_copy_engine_ + mbarriers_.size();
  ClockVector others(end - begin, 0);
  for (const ClockVector& known : known_)
    for (size_t i = begin; i < end; i++) others[i - begin] = std::max(others[i - begin], known[i]);
  floor_ = last_++;
  for (int t = 0; t < threads_; t++) {
    ClockVector& known = known_[static_cast<size_t>(t)];
    std::copy(others.begin(), others.end(), known.begin() + threads_);
    known[static_cast<size_t>(t)] = last_;
  }
}

}  // namespace cutloss::emulated
