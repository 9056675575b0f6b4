// One CUDA thread: a context of its own, its place in the block, what it waits for, and the asynchronous copies
// that it has started.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/emulated/runtime/context.h"
#include "cuda/emulated/runtime/coordinates.h"
#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

class Block;
class TmaStore;
enum class WarpOperation : uint8_t;

// A cp.async: 16 bytes on their way from global to shared memory.
struct ThreadCopy {
  std::byte* to;
  const std::byte* from;
  int bytes;  // read from global memory; the rest of the 16 becomes zero
  int group;
  bool landed;
};

struct Thread : Coordinates {
  enum class State : uint8_t { kReady, kRunning, kWaiting, kExited };

  int id = 0;    // in the block or, if there is one, in the cluster
  int rank = 0;  // of its block in the cluster
  int warp = 0;  // id / 32
  int lane = 0;

  State state = State::kExited;
  const char* waiting_for = nullptr;
  Where waiting_at;

  // The warp operation that this thread has come to.
  WarpOperation operation{};
  uint32_t operation_mask = 0;
  void* operands = nullptr;

  std::vector<ThreadCopy> copies;
  int copy_group = 0;
  int bulk_group = 0;
  uint64_t cluster_arrivals = 0;

  std::vector<std::shared_ptr<TmaStore>> stores;

  Context context;
  std::byte* stack = nullptr;
  size_t stack_bytes = 0;

  bool owns_stack_address(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - stack) < stack_bytes;
  }
};

std::string describe(const Thread& thread);

extern constinit thread_local Thread* current_thread;
extern constinit thread_local Block* current_block;

}  // namespace cutloss::emulated
