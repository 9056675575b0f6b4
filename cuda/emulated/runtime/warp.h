// Operations that the lanes of a warp carry out together: each lane files its operands, and the last to arrive
// computes for all. A lane outside the mask, a different operation or an exited lane is an error.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

struct Thread;
struct Wgmma;

enum class WarpOperation : uint8_t {
  kSync,
  kShuffle,
  kVote,
  kMatch,
  kReduce,
  kElect,
  kLoadMatrix,
  kMma,
  kWgmmaFence,
  kWgmma,
  kWgmmaCommit,
  kWgmmaWait,
  kSetMaxRegisters,
};

struct Warp {
  uint32_t existing = 0;  // lanes that were started
  uint32_t live = 0;      // and have not exited
  uint32_t arrived = 0;   // and wait in an operation

  std::vector<std::shared_ptr<Wgmma>> wgmmas;  // that have not been waited for
  int wgmma_group = 0;
  uint64_t wgmma_digest = 0;  // of all that were issued: the four warps of a warpgroup must agree
  bool wgmma_fenced = false;
};

// The lanes that take part in an operation, as the one that computes sees them.
struct Lanes {
  Thread* first;  // lane 0 of the warp
  uint32_t mask;
  Where where;

  bool has(int lane) const { return mask >> lane & 1; }
  template <class Operands>
  Operands& at(int lane) const {
    return *static_cast<Operands*>(operands(lane));
  }
  void* operands(int lane) const;
};

// `compute` runs once, when all lanes of `mask` have come here.
void together(WarpOperation operation, uint32_t mask, void* operands, void (*compute)(const Lanes&), Where where);

// For the .aligned instructions: all 32 lanes, at the same place in the source.
void together_aligned(WarpOperation operation, void* operands, void (*compute)(const Lanes&), Where where);

void sync_warp(uint32_t mask, Where where);

enum class Shuffle : uint8_t { kIndex, kUp, kDown, kXor };
uint64_t shuffle(uint32_t mask, uint64_t bits, Shuffle kind, int operand, int width, Where where);

uint32_t ballot(uint32_t mask, bool predicate, Where where);
uint32_t match_any(uint32_t mask, uint64_t bits, Where where);
bool elect(Where where);
void set_max_registers(Where where);
uint32_t active_mask();

enum class Reduction : uint8_t { kAdd, kMin, kMax, kAnd, kOr, kXor };
int64_t reduce(uint32_t mask, int64_t value, Reduction reduction, Where where);

void leave_warp(const Thread& me);

}  // namespace cutloss::emulated
