// Arrivals are counted; the last to arrive releases the others.
#include "cuda/emulated/runtime/barriers.h"

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {

int sync_block(int contribution, Where where) {
  return current_block->barriers.sync_block(*current_thread, contribution, where);
}
void sync_named(int id, int count, Where where) {
  current_block->barriers.arrive_named(*current_thread, id, count, true, where);
}
void arrive_named(int id, int count, Where where) {
  current_block->barriers.arrive_named(*current_thread, id, count, false, where);
}
void arrive_cluster(Where where) { current_block->barriers.arrive_cluster(*current_thread, where); }
void wait_cluster(Where where) { current_block->barriers.wait_cluster(*current_thread, where); }
uint32_t cluster_rank() { return static_cast<uint32_t>(current_thread->rank); }
void fence_proxy_async() {
  if (auto& race = current_block->race) race->fence_proxy(*current_thread);
}
void yield(Where where) { current_block->yield(where); }

void Barriers::reset(int blocks) {
  barriers_.resize(static_cast<size_t>(blocks) * kPerBlock);
  for (Barrier& barrier : barriers_) {
    barrier.arrived.clear();
    barrier.waiting.clear();
    barrier.sum = 0;
  }
  cluster_waiting_.clear();
  cluster_arrivals_ = cluster_phases_ = 0;
}

Barriers::Barrier& Barriers::barrier(const Thread& me, int id) {
  return barriers_[static_cast<size_t>(me.rank * kPerBlock + id)];
}

int Barriers::sync_block(Thread& me, int contribution, Where where) {
  Block& block = *current_block;
  Barrier& b = barrier(me, 0);
  if (block.exited() != 0)
    for (const Thread& thread : block.threads)
      if (thread.rank == me.rank && thread.state == Thread::State::kExited)
        fail("__syncthreads() after a thread of the block has exited", where, "  " + describe(thread) + "\n");
  if (b.arrived.empty()) {
    b.where = where;
    b.expected = 0;
  } else if (!same_place(b.where, where)) {
    fail("divergent __syncthreads(): threads of a block wait at different places", where,
         "  others wait at " + describe(b.where) + "\n");
  }
  b.sum += contribution;
  b.arrived.push_back(&me);
  b.waiting.push_back(&me);
  if (static_cast<int>(b.arrived.size()) == block.threads_per_block())
    release(b);
  else
    block.wait("__syncthreads()", where);
  return b.result;
}

void Barriers::arrive_named(Thread& me, int id, int count, bool and_wait, Where where) {
  if (id < 0 || id >= kPerBlock || count <= 0 || count % 32 != 0 || count > current_block->threads_per_block())
    fail("a named barrier needs an id below 16 and a whole number of the block's warps", where,
         "  barrier " + std::to_string(id) + ", " + std::to_string(count) + " threads\n");
  Barrier& b = barrier(me, id);
  if (b.arrived.empty()) {
    b.where = where;
    b.expected = count;
  } else if (b.expected != count) {
    fail("threads expect different counts at one named barrier", where,
         "  " + std::to_string(count) + " here, " + std::to_string(b.expected) + " at " + describe(b.where) + "\n");
  }
  b.arrived.push_back(&me);
  if (and_wait) b.waiting.push_back(&me);
  if (static_cast<int>(b.arrived.size()) == count)
    release(b);
  else if (and_wait)
    current_block->wait("a named barrier", where);
}

void Barriers::release(Barrier& b) {
  b.result = b.sum;
  b.sum = 0;
  if (auto& race = current_block->race) race->barrier(b.arrived, b.waiting);
  for (Thread* thread : b.waiting) current_block->wake(*thread);
  b.arrived.clear();
  b.waiting.clear();
}

void Barriers::arrive_cluster(Thread& me, Where where) {
  Block& block = *current_block;
  if (me.cluster_arrivals > cluster_phases_) fail("a second arrival at the cluster barrier without a wait", where);
  me.cluster_arrivals++;
  if (block.race) block.race->mbarrier_arrive(me, RaceLog::kClusterBarrier);
  if (++cluster_arrivals_ % static_cast<uint64_t>(block.size()) != 0) return;
  cluster_phases_++;
  if (block.race) block.race->mbarrier_complete(RaceLog::kClusterBarrier);
  for (Thread* thread : cluster_waiting_) block.wake(*thread);
  cluster_waiting_.clear();
}

void Barriers::wait_cluster(Thread& me, Where where) {
  Block& block = *current_block;
  if (me.cluster_arrivals > cluster_phases_) {
    cluster_waiting_.push_back(&me);
    block.wait("the cluster barrier", where);
  }
  if (block.race) block.race->mbarrier_acquire(me, RaceLog::kClusterBarrier);
}

void Barriers::check_exit(const Thread& me) const {
  const Barrier& b = barriers_[static_cast<size_t>(me.rank * kPerBlock)];
  if (!b.waiting.empty() && b.expected == 0)
    fail("a thread exits while others wait for it at __syncthreads()", "  they wait at " + describe(b.where) + "\n");
}

}  // namespace cutloss::emulated
