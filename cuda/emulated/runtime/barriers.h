// Barriers of a block (__syncthreads and the 16 named ones) and of a cluster. Stricter than the device on purpose:
// all threads must come to the same __syncthreads(), and none may have exited.
#pragma once
#include <cstdint>
#include <vector>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

struct Thread;

// For the running thread. sync_block returns the sum of what the threads of the block brought along.
int sync_block(int contribution, Where where);
void sync_named(int id, int count, Where where);
void arrive_named(int id, int count, Where where);
void arrive_cluster(Where where);
void wait_cluster(Where where);
uint32_t cluster_rank();
void yield(Where where);

// Orders ordinary stores before what TMA and wgmma read; only the race checker notices.
void fence_proxy_async();

class Barriers {
 public:
  void reset(int blocks);
  int sync_block(Thread& me, int contribution, Where where);
  void arrive_named(Thread& me, int id, int count, bool and_wait, Where where);
  void arrive_cluster(Thread& me, Where where);
  void wait_cluster(Thread& me, Where where);

  // An exiting thread must not leave others waiting for it.
  void check_exit(const Thread& me) const;

 private:
  struct Barrier {
    Where where;  // of the first to arrive
    int expected = 0;
    int sum = 0, result = 0;
    std::vector<Thread*> arrived, waiting;
  };

  Barrier& barrier(const Thread& me, int id);
  void release(Barrier& barrier);

  static constexpr int kPerBlock = 16;
  std::vector<Barrier> barriers_;
  std::vector<Thread*> cluster_waiting_;
  uint64_t cluster_arrivals_ = 0, cluster_phases_ = 0;
};

}  // namespace cutloss::emulated
