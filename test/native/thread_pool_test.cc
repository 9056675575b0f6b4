// The pool: every task once, from many callers at once, from within tasks, with the number of threads changing.
#include "cpu/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "test/native/check.h"

using cutloss::cpu::ThreadPool;

void every_task_once(int64_t count) {
  std::vector<std::atomic<int>> seen(size_t(count) + 1);
  ThreadPool::shared().run(count, [&](int64_t i) { ++seen[size_t(i)]; });
  for (int64_t i = 0; i < count; ++i) CHECK(seen[size_t(i)] == 1);
}

int main() {
  for (const int threads : {1, 2, 5, 1, 3}) {
    ThreadPool::shared().set_threads(threads);
    for (const int64_t count : {0, 1, 2, 100, 5000}) every_task_once(count);
  }
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([] {
      for (int k = 0; k < 50; ++k) every_task_once(64);
    });
  }
  for (std::thread& caller : callers) caller.join();

  std::atomic<int> inner{0};
  ThreadPool::shared().run(4, [&](int64_t) { ThreadPool::shared().run(4, [&](int64_t) { ++inner; }); });
  CHECK(inner == 16);
  return cutloss::test::finish("thread_pool");
}
