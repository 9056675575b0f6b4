// A block, or a cluster of blocks, while it runs: all its threads take turns on one OS thread. Every operation
// that can wait ends up in wait(), and every one that lets others go on in wake().
#pragma once
#include <memory>
#include <vector>

#include "cuda/emulated/runtime/barriers.h"
#include "cuda/emulated/runtime/launch.h"
#include "cuda/emulated/runtime/race_log.h"
#include "cuda/emulated/runtime/schedule.h"
#include "cuda/emulated/runtime/shared_memory.h"
#include "cuda/emulated/runtime/stacks.h"
#include "cuda/emulated/runtime/thread.h"
#include "cuda/emulated/runtime/warp.h"

namespace cutloss::emulated {

// Something that a copy engine does in its own time, such as a TMA load.
class AsyncOperation {
 public:
  explicit AsyncOperation(Where where) : where(where) {}
  virtual ~AsyncOperation() = default;
  virtual void perform(Block& block) = 0;

  // Whether somebody has waited for it, so that it was performed before its turn.
  virtual bool is_done() const { return false; }

  const Where where;
};

class Block {
 public:
  Block();
  ~Block();

  void run(const Launch& launch, uint64_t cluster);

  // For the thread that is running.
  void wait(const char* for_what, Where where);
  void yield(Where where);
  void wake(Thread& thread);

  // Hands an operation to the copy engine, which performs it now or later as the schedule likes.
  void start(std::shared_ptr<AsyncOperation> operation);

  // Under random schedules lets other threads run, once in `n` calls.
  void maybe_preempt(uint32_t n);

  int size() const { return static_cast<int>(threads.size()); }
  int threads_per_block() const { return threads_per_block_; }
  int exited() const { return exited_; }

  // Whether all threads of the block with this rank in the cluster have exited.
  bool has_exited(int rank) const;

  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barriers barriers;
  SharedMemory shared;
  Schedule schedule;
  std::unique_ptr<RaceLog> race;  // null without the race checker

 private:
  static void thread_main();
  void place_threads(const Launch& launch, uint64_t cluster);
  void switch_to_next();
  void finish_thread();
  bool perform_one();
  [[noreturn]] void report_deadlock();

  const Launch* launch_ = nullptr;
  int threads_per_block_ = 0;
  int exited_ = 0;
  uint64_t idle_yields_ = 0;
  ReadyQueue ready_;
  std::vector<std::shared_ptr<AsyncOperation>> under_way_;
  Stacks stacks_;
  Context caller_;
};

}  // namespace cutloss::emulated
