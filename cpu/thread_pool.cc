#include "cpu/thread_pool.h"

#include <algorithm>

#ifdef __linux__
#include <sched.h>
#endif

namespace cutloss::cpu {
namespace {

int usable_processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

ThreadPool& ThreadPool::shared() {
  static ThreadPool* pool = new ThreadPool;
  return *pool;
}

ThreadPool::ThreadPool() : threads_(usable_processors()) {}

void ThreadPool::set_threads(int count) {
  std::lock_guard lock(mutex_);
  threads_ = count;
}

void ThreadPool::start_helpers() {
  while (helpers_ < threads() - 1) {
    try {
      helper_threads_.emplace_back(&ThreadPool::helper_loop, this);  // like the pool, never joined
    } catch (...) {
      return;  // fewer helpers: slower, not wrong
    }
    ++helpers_;
  }
}

void ThreadPool::run_group(Group& group) {
  if (group.count > 1 && threads() > 1) {
    std::lock_guard lock(mutex_);
    start_helpers();
    try {
      groups_.push_back(&group);
    } catch (...) {  // no memory for a list of helpers: the caller does it all
    }
    wake_helpers_.notify_all();
  }
  work(group);
  std::unique_lock lock(mutex_);
  groups_.erase(std::remove(groups_.begin(), groups_.end(), &group), groups_.end());
  helper_left_.wait(lock, [&] { return group.helpers == 0; });
}

void ThreadPool::work(Group& group) {
  for (int64_t i; (i = group.next.fetch_add(1, std::memory_order_relaxed)) < group.count;) group.call(group.context, i);
}

void ThreadPool::helper_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_helpers_.wait(lock, [&] { return !groups_.empty() && busy_ < threads() - 1; });
    Group& group = *groups_.front();
    // Oldest first; a group whose last task is taken leaves the list, so that helpers go on to the next.
    if (group.next.load(std::memory_order_relaxed) >= group.count) {
      groups_.erase(groups_.begin());
      continue;
    }
    ++group.helpers;
    ++busy_;
    lock.unlock();
    work(group);
    lock.lock();
    --busy_;
    if (--group.helpers == 0) helper_left_.notify_all();
  }
}

}  // namespace cutloss::cpu
