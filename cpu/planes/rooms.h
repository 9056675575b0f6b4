// Memory to work on one thing at a time in, as many times over as threads can use: tasks go side by side, each in a
// room of its own.
#pragma once

#include <algorithm>
#include <atomic>

#include "cpu/thread_pool.h"
#include "cpu/workspace.h"
#include "engine/engine.h"

namespace cutloss::cpu {

struct Rooms {
  int64_t count = 0;
  int64_t bytes = 0;  // of one
  char* memory = nullptr;

  /// No more than kMostBytes for all, if one takes no more.
  static Rooms of(int64_t bytes, int64_t tasks, const ThreadPool& pool) {
    constexpr int64_t kMostBytes = int64_t{256} << 20;
    const int64_t fit = kMostBytes / std::max<int64_t>(1, bytes);
    return {std::clamp<int64_t>(std::min<int64_t>(pool.threads(), tasks), 1, std::max<int64_t>(1, fit)), bytes};
  }

  /// Calls work(task, arena) for every task, with a room to take memory from.
  template <class Work>
  Status for_each(int64_t tasks, ThreadPool& pool, Cancel& cancel, const Work& work) const {
    std::atomic<int64_t> next{0};
    pool.run(count, [&](int64_t room) {
      for (int64_t task; (task = next.fetch_add(1)) < tasks && !cancel.requested();) {
        work(task, Arena(memory + room * bytes));
      }
    });
    return cancel.requested() ? cancelled() : Status{};
  }
};

}  // namespace cutloss::cpu
