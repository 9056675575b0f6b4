// Asynchronous work of one environment (the main thread or a worker). A thread of our own per device takes jobs in
// order, one at a time, so libuv's pool stays free and scratch memory is that of one job. A single threadsafe function
// brings completions back; it is unreferenced while idle, so an idle queue never keeps a process alive.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "binding/device_memory.h"
#include "engine/engine.h"

namespace cutloss::binding {

struct Job {
  int64_t id = 0;
  Engine* engine = nullptr;
  Request request;
  uint32_t staged = 0;  // outputs that are written all at once, a bit each
  Cancel cancel;
  Status status;
  std::vector<DeviceMemory*> memories;
  napi_ref pinned = nullptr;  // [views, results, done]: what JavaScript must keep

  ~Job() {
    for (DeviceMemory* memory : memories) memory->drop();
  }
};

class JobQueue {
 public:
  /// `settle` runs on the JavaScript thread, once for every job that was started, unless the environment ends first.
  using Settle = void (*)(napi_env env, Job& job);

  Status open(napi_env env, Settle settle);
  Status start(std::unique_ptr<Job> job, int device);
  void cancel(int64_t id);

  /// Cancels everything and joins the threads. After it nothing of this environment is touched any more.
  void stop();

 private:
  /// One device's thread and the jobs that wait for it.
  struct Lane {
    std::thread thread;
    std::deque<std::unique_ptr<Job>> waiting;
    Job* running = nullptr;
    std::condition_variable wake;
  };

  void work(Lane& lane);
  static Status compute(Job& job);
  void finish(std::unique_ptr<Job> job);
  static void on_finished(napi_env env, napi_value, void* context, void* data);

  napi_env env_ = nullptr;
  Settle settle_ = nullptr;
  napi_threadsafe_function finished_ = nullptr;
  int64_t unsettled_ = 0;  // JavaScript thread only

  std::mutex mutex_;
  bool stopping_ = false;
  std::map<int, std::unique_ptr<Lane>> lanes_;
};

}  // namespace cutloss::binding
