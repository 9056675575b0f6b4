// In which order threads run and asynchronous copies land. One seed decides: 0 is first-in first-out with copies
// done at once, 1 is last-in first-out with copies as late as allowed, anything else is random (and repeatable).
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cutloss::emulated {

class Schedule {
 public:
  explicit Schedule(uint64_t seed = 0, uint64_t stream = 0);

  static uint64_t seed_from_environment();

  bool is_random() const { return policy_ == Policy::kRandom; }
  bool is_last_in_first_out() const { return policy_ == Policy::kLate; }

  // Whether an asynchronous copy that could land now does.
  bool copy_now() { return policy_ == Policy::kEager || (is_random() && below(2) == 0); }

  // True once in `n` calls on average under a random schedule, else never.
  bool one_in(uint32_t n) { return is_random() && below(n) == 0; }

  uint32_t below(uint32_t n);

 private:
  enum class Policy : uint8_t { kEager, kLate, kRandom };
  Policy policy_;
  uint64_t state_;
};

// The threads that could run, in the order in which they became so.
class ReadyQueue {
 public:
  void reset(size_t capacity);
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  void push(int thread);
  void push_behind_all(int thread, const Schedule& schedule);
  int pop(Schedule& schedule);

 private:
  size_t slot(size_t i) const { return head_ + i < ring_.size() ? head_ + i : head_ + i - ring_.size(); }

  std::vector<int> ring_;
  size_t head_ = 0, count_ = 0;
};

}  // namespace cutloss::emulated
