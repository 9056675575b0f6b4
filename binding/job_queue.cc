#include "binding/job_queue.h"

#include <algorithm>

#include "binding/staged_outputs.h"

namespace cutloss::binding {

Status JobQueue::open(napi_env env, Settle settle) {
  env_ = env;
  settle_ = settle;
  napi_value name;
  if (napi_create_string_utf8(env, "cutloss", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, on_finished,
                                      &finished_) != napi_ok) {
    return failure(Code::kLoad, "Node could not create a threadsafe function");
  }
  napi_unref_threadsafe_function(env, finished_);
  return {};
}

Status JobQueue::start(std::unique_ptr<Job> job, int device) {
  std::lock_guard lock(mutex_);
  try {
    std::unique_ptr<Lane>& lane = lanes_[device];
    if (!lane) {
      auto fresh = std::make_unique<Lane>();
      fresh->thread = std::thread([this, lane = fresh.get()] { work(*lane); });
      lane = std::move(fresh);
    }
    lane->waiting.push_back(std::move(job));
    lane->wake.notify_one();
  } catch (...) {
    if (const auto lane = lanes_.find(device); lane != lanes_.end() && !lane->second) lanes_.erase(lane);
    return failure(Code::kMemory, "Could not start a thread for asynchronous work");
  }
  if (unsettled_++ == 0) napi_ref_threadsafe_function(env_, finished_);
  return {};
}

void JobQueue::cancel(int64_t id) {
  std::unique_ptr<Job> removed;
  {
    std::lock_guard lock(mutex_);
    for (auto& [device, lane] : lanes_) {
      if (lane->running && lane->running->id == id) lane->running->cancel.request();
      const auto job = std::find_if(lane->waiting.begin(), lane->waiting.end(), [&](auto& j) { return j->id == id; });
      if (job != lane->waiting.end()) {
        removed = std::move(*job);
        lane->waiting.erase(job);
        break;
      }
    }
  }
  if (!removed) return;
  removed->status = cancelled();
  finish(std::move(removed));
}

void JobQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [device, lane] : lanes_) {
      if (lane->running) lane->running->cancel.request();
      lane->wake.notify_one();
    }
  }
  for (auto& [device, lane] : lanes_) lane->thread.join();
  lanes_.clear();
  napi_release_threadsafe_function(finished_, napi_tsfn_abort);
}

void JobQueue::work(Lane& lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    lane.wake.wait(lock, [&] { return stopping_ || !lane.waiting.empty(); });
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    lane.running = job.get();
    lock.unlock();
    job->status = compute(*job);
    lock.lock();
    lane.running = nullptr;
    if (stopping_) return;
    lock.unlock();
    finish(std::move(job));
    lock.lock();
  }
}

Status JobQueue::compute(Job& job) {
  if (job.cancel.requested()) return cancelled();
  // Lengths and overlaps are judged where the outputs really are.
  CUTLOSS_TRY(std::visit([](const auto& request) { return check(request); }, job.request));
  StagedOutputs staged;
  CUTLOSS_TRY(std::visit([&](auto& request) { return staged.replace(request, job.staged); }, job.request));
  CUTLOSS_TRY(job.engine->run(job.request, job.cancel));
  if (job.staged && job.cancel.requested()) return cancelled();
  staged.commit();
  return {};
}

void JobQueue::finish(std::unique_ptr<Job> job) {
  if (napi_call_threadsafe_function(finished_, job.get(), napi_tsfn_nonblocking) == napi_ok) job.release();
}

void JobQueue::on_finished(napi_env env, napi_value, void* context, void* data) {
  std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (!env) return;  // the environment is gone: free and touch nothing
  auto* queue = static_cast<JobQueue*>(context);
  if (--queue->unsettled_ == 0) napi_unref_threadsafe_function(env, queue->finished_);
  queue->settle_(env, *job);
}

}  // namespace cutloss::binding
