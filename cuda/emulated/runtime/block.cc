// Starting, switching and ending the threads of a block.
#include "cuda/emulated/runtime/block.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cuda/emulated/runtime/cp_async.h"
#include "cuda/emulated/runtime/report.h"
#include "cuda/emulated/runtime/wgmma.h"

namespace cutloss::emulated {

constinit thread_local Thread* current_thread = nullptr;
constinit thread_local Block* current_block = nullptr;
constinit thread_local const Coordinates* coordinates = nullptr;

namespace {

// So many yields in a row, with nothing else happening, mean that nobody will end the spinning.
constexpr uint64_t kMaxIdleYields = 1 << 22;

std::string text(uint3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

}  // namespace

std::string describe(const Thread& thread) {
  return "thread " + text(thread.thread_index) + " of block " + text(thread.block_index) + ", warp " +
         std::to_string(thread.warp) + " lane " + std::to_string(thread.lane);
}

Block::Block() = default;
Block::~Block() = default;

void Block::run(const Launch& launch, uint64_t cluster) {
  launch_ = &launch;
  schedule = Schedule(launch.seed, cluster);
  place_threads(launch, cluster);
  const int blocks = size() / threads_per_block_;
  shared.reset(launch.shared_bytes, blocks);
  barriers.reset(blocks);
  under_way_.clear();
  if (make_race_log && !race) race = make_race_log();
  if (race) race->start_block(size(), shared.total_bytes());

  exited_ = 0;
  idle_yields_ = 0;
  current_block = this;
  current_thread = &threads[ready_.pop(schedule)];
  coordinates = current_thread;
  current_thread->state = Thread::State::kRunning;
  Context::switch_between(caller_, current_thread->context);
  current_thread = nullptr;
  coordinates = nullptr;
  for (const auto& operation : under_way_)
    if (!operation->is_done())
      fail("a block ends while a TMA load is under way that nobody has waited for", operation->where);
  shared.check_at_exit();
  current_block = nullptr;
}

void Block::place_threads(const Launch& launch, uint64_t cluster) {
  const dim3 shape = launch.block, group = launch.cluster;
  const dim3 clusters(launch.grid.x / group.x, launch.grid.y / group.y, launch.grid.z / group.z);
  threads_per_block_ = static_cast<int>(shape.x * shape.y * shape.z);
  const int count = threads_per_block_ * static_cast<int>(group.x * group.y * group.z);
  // Blocks of a cluster start new warps, as on the device.
  if (count != threads_per_block_ && threads_per_block_ % 32 != 0) fail("a cluster needs blocks of whole warps");

  stacks_.reserve(count);
  threads.resize(count);
  warps.assign((count + 31) / 32, Warp{});
  ready_.reset(count);
  for (int id = 0; id < count; id++) {
    Thread& thread = threads[id];
    const unsigned rank = id / threads_per_block_, i = id % threads_per_block_;
    thread.thread_index = {i % shape.x, i / shape.x % shape.y, i / (shape.x * shape.y)};
    thread.block_index = {
        static_cast<unsigned>(cluster % clusters.x) * group.x + rank % group.x,
        static_cast<unsigned>(cluster / clusters.x % clusters.y) * group.y + rank / group.x % group.y,
        static_cast<unsigned>(cluster / clusters.x / clusters.y) * group.z + rank / (group.x * group.y)};
    thread.block_dim = shape;
    thread.grid_dim = launch.grid;
    thread.id = id;
    thread.rank = static_cast<int>(rank);
    thread.warp = id / 32;
    thread.lane = id % 32;
    thread.copies.clear();
    thread.copy_group = thread.bulk_group = 0;
    thread.cluster_arrivals = 0;
    thread.stores.clear();
    thread.stack = stacks_.begin(id);
    thread.stack_bytes = stacks_.bytes(id);
    thread.context.prepare(thread.stack, thread.stack_bytes, &Block::thread_main);
    thread.state = Thread::State::kReady;
    warps[thread.warp].existing = warps[thread.warp].live |= 1u << thread.lane;
    ready_.push(id);
  }
}

void Block::thread_main() {
  const Launch& launch = *current_block->launch_;
  launch.kernel(launch.arguments);
  current_block->finish_thread();
}

void Block::finish_thread() {
  Thread& me = *current_thread;
  land_all_copies(me);
  if (!me.stores.empty()) fail("a thread exits before its TMA stores have read shared memory");
  me.state = Thread::State::kExited;
  exited_++;
  barriers.check_exit(me);
  leave_warp(me);
  check_wgmma_at_exit(me);
  switch_to_next();
}

bool Block::has_exited(int rank) const {
  if (exited_ < threads_per_block_) return false;
  const Thread* first = &threads[static_cast<size_t>(rank * threads_per_block_)];
  return std::all_of(first, first + threads_per_block_,
                     [](const Thread& thread) { return thread.state == Thread::State::kExited; });
}

void Block::wait(const char* for_what, Where where) {
  Thread& me = *current_thread;
  me.state = Thread::State::kWaiting;
  me.waiting_for = for_what;
  me.waiting_at = where;
  switch_to_next();
}

void Block::wake(Thread& thread) {
  idle_yields_ = 0;
  if (thread.state != Thread::State::kWaiting) return;
  thread.state = Thread::State::kReady;
  ready_.push(thread.id);
}

void Block::yield(Where where) {
  if (++idle_yields_ > kMaxIdleYields) fail("livelock: threads spin and nothing else happens", where);
  Thread& me = *current_thread;
  me.state = Thread::State::kReady;
  if (ready_.empty()) perform_one();
  ready_.push_behind_all(me.id, schedule);
  switch_to_next();
}

void Block::maybe_preempt(uint32_t n) {
  if (!schedule.one_in(n)) return;
  current_thread->state = Thread::State::kReady;
  ready_.push(current_thread->id);
  switch_to_next();
}

void Block::switch_to_next() {
  Thread& me = *current_thread;
  if (!under_way_.empty() && schedule.one_in(4)) perform_one();
  while (ready_.empty()) {
    if (exited_ == size()) return Context::switch_between(me.context, caller_);
    if (!perform_one()) report_deadlock();
  }
  Thread& next = threads[ready_.pop(schedule)];
  next.state = Thread::State::kRunning;
  if (&next == &me) return;
  current_thread = &next;
  coordinates = &next;
  Context::switch_between(me.context, next.context);
}

void Block::start(std::shared_ptr<AsyncOperation> operation) {
  if (schedule.copy_now())
    operation->perform(*this);
  else
    under_way_.push_back(std::move(operation));
}

bool Block::perform_one() {
  if (under_way_.empty()) return false;
  const size_t i = schedule.is_random() ? schedule.below(static_cast<uint32_t>(under_way_.size())) : 0;
  const std::shared_ptr<AsyncOperation> operation = under_way_[i];
  under_way_.erase(under_way_.begin() + static_cast<ptrdiff_t>(i));
  operation->perform(*this);
  return true;
}

void Block::report_deadlock() {
  struct Group {
    const Thread* first;
    int count;
  };
  std::vector<Group> groups;
  for (const Thread& thread : threads) {
    if (thread.state != Thread::State::kWaiting) continue;
    bool known = false;
    for (Group& group : groups) {
      if (group.first->waiting_for != thread.waiting_for) continue;
      if (!same_place(group.first->waiting_at, thread.waiting_at)) continue;
      group.count++;
      known = true;
    }
    if (!known) groups.push_back({&thread, 1});
  }
  std::string lines;
  for (const Group& group : groups)
    lines += "  " + std::to_string(group.count) + " waiting for " + group.first->waiting_for + " at " +
             describe(group.first->waiting_at) + ", the first is " + describe(*group.first) + "\n";
  if (exited_) lines += "  " + std::to_string(exited_) + " have exited\n";
  current_thread = nullptr;
  fail("deadlock: no thread of the block can go on", lines);
}

}  // namespace cutloss::emulated
