// Policies and the queue they choose from.
#include "cuda/emulated/runtime/schedule.h"

#include <cstdlib>
#include <utility>

namespace cutloss::emulated {

Schedule::Schedule(uint64_t seed, uint64_t stream)
    : policy_(seed == 0   ? Policy::kEager
              : seed == 1 ? Policy::kLate
                          : Policy::kRandom),
      state_(seed * 0x9E3779B97F4A7C15ull + (stream + 1) * 0xD1B54A32D192ED03ull) {
  if (state_ == 0) state_ = 1;
}

uint64_t Schedule::seed_from_environment() {
  const char* text = getenv("CUTLOSS_EMULATED_SEED");
  return text ? strtoull(text, nullptr, 0) : 0;
}

uint32_t Schedule::below(uint32_t n) {  // xorshift64
  state_ ^= state_ << 13;
  state_ ^= state_ >> 7;
  state_ ^= state_ << 17;
  return static_cast<uint32_t>((state_ >> 11) % n);
}

void ReadyQueue::reset(size_t capacity) {
  ring_.resize(capacity);
  head_ = count_ = 0;
}

void ReadyQueue::push(int thread) { ring_[slot(count_++)] = thread; }

void ReadyQueue::push_behind_all(int thread, const Schedule& schedule) {
  if (!schedule.is_last_in_first_out()) return push(thread);
  head_ = slot(ring_.size() - 1);  // the end that is popped last
  ring_[head_] = thread;
  count_++;
}

int ReadyQueue::pop(Schedule& schedule) {
  if (schedule.is_last_in_first_out()) return ring_[slot(--count_)];
  if (schedule.is_random()) std::swap(ring_[slot(schedule.below(static_cast<uint32_t>(count_)))], ring_[head_]);
  const int thread = ring_[head_];
  head_ = slot(1);
  count_--;
  return thread;
}

}  // namespace cutloss::emulated
