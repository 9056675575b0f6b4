// The CPU engine's threads. run() splits work into numbered tasks; the caller takes part, so work always advances,
// however many callers there are and however busy the helpers. Which thread runs a task never decides a result.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace cutloss::cpu {

class ThreadPool {
 public:
  /// One pool for the process. It is never destroyed: its threads sleep until the process ends.
  static ThreadPool& shared();

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  void set_threads(int count);

  /// Calls task(0) ... task(count - 1), each once, and returns when all are done.
  template <class Task>
  void run(int64_t count, Task&& task) {
    Group group;
    group.count = count;
    group.context = &task;
    group.call = [](void* context, int64_t index) { (*static_cast<std::remove_reference_t<Task>*>(context))(index); };
    run_group(group);
  }

 private:
  struct Group {
    int64_t count = 0;
    void* context = nullptr;
    void (*call)(void*, int64_t) = nullptr;
    std::atomic<int64_t> next{0};
    int helpers = 0;  // threads inside, guarded by mutex_
  };

  ThreadPool();
  void run_group(Group& group);
  static void work(Group& group);
  void helper_loop();
  void start_helpers();

  std::atomic<int> threads_{1};
  std::mutex mutex_;
  std::condition_variable wake_helpers_, helper_left_;
  std::vector<Group*> groups_;  // with tasks nobody has taken yet
  std::vector<std::thread> helper_threads_;
  int helpers_ = 0;
  int busy_ = 0;  // helpers inside a group: never more than threads_ - 1
};

}  // namespace cutloss::cpu
