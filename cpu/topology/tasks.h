// Tasks that may fail, on the thread pool: the first failure is the result of all.
#pragma once

#include <atomic>
#include <mutex>

#include "cpu/thread_pool.h"
#include "engine/status.h"

namespace cutloss::cpu {

/// Calls task(0) ... task(count - 1), each returning a Status; after a failure the rest may not be called.
template <class Task>
Status run_tasks(ThreadPool& pool, int64_t count, Task&& task) {
  std::mutex mutex;
  std::atomic<bool> failed{false};
  Status first;
  pool.run(count, [&](int64_t i) {
    if (failed.load(std::memory_order_relaxed)) return;
    const Status status = task(i);
    if (status.ok()) return;
    std::lock_guard lock(mutex);
    if (!failed.exchange(true)) first = status;
  });
  return first;
}

}  // namespace cutloss::cpu
