// The meeting of lanes, and the collectives that need no more than it.
#include "cuda/emulated/runtime/warp.h"

#include <algorithm>
#include <bit>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

const char* name(WarpOperation operation) {
  switch (operation) {
    case WarpOperation::kSync: return "__syncwarp()";
    case WarpOperation::kShuffle: return "a shuffle";
    case WarpOperation::kVote: return "a vote";
    case WarpOperation::kMatch: return "a match";
    case WarpOperation::kReduce: return "a warp reduction";
    case WarpOperation::kElect: return "elect";
    case WarpOperation::kLoadMatrix: return "ldmatrix";
    case WarpOperation::kMma: return "mma";
    case WarpOperation::kWgmmaFence: return "wgmma.fence";
    case WarpOperation::kWgmma: return "wgmma";
    case WarpOperation::kWgmmaCommit: return "wgmma.commit_group";
    case WarpOperation::kWgmmaWait: return "wgmma.wait_group";
    case WarpOperation::kSetMaxRegisters: return "setmaxnreg";
  }
  return "a warp operation";
}

std::string hex(uint32_t mask) {
  char text[16];
  snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

void meet(WarpOperation operation, uint32_t mask, void* operands, void (*compute)(const Lanes&), bool aligned,
          Where where) {
  Block& block = *current_block;
  Thread& me = *current_thread;
  Warp& warp = block.warps[me.warp];
  Thread* first = &me - me.lane;
  if (!(mask >> me.lane & 1))
    fail(std::string("a lane calls ") + name(operation) + " without being in its mask", where,
         "  mask " + hex(mask) + "\n");
  if (mask & warp.existing & ~warp.live)
    fail(std::string("the mask of ") + name(operation) + " names lanes that have exited", where,
         "  mask " + hex(mask) + ", exited " + hex(warp.existing & ~warp.live) + "\n");
  if (const uint32_t others = warp.arrived & mask) {
    const Thread& other = first[std::countr_zero(others)];
    if (other.operation != operation || other.operation_mask != mask ||
        (aligned && !same_place(other.waiting_at, where)))
      fail("divergent warp: lanes of one mask are in different operations", where,
           std::string("  here ") + name(operation) + " with mask " + hex(mask) + "\n  lane " +
               std::to_string(other.lane) + " in " + name(other.operation) + " with mask " + hex(other.operation_mask) +
               " at " + describe(other.waiting_at) + "\n");
  }
  me.operation = operation;
  me.operation_mask = mask;
  me.operands = operands;
  warp.arrived |= 1u << me.lane;
  const uint32_t needed = mask & warp.live;
  if ((warp.arrived & needed) != needed) return block.wait(name(operation), where);
  compute({first, needed, where});
  warp.arrived &= ~needed;
  for (uint32_t rest = needed; rest; rest &= rest - 1) block.wake(first[std::countr_zero(rest)]);
}

struct ShuffleOperands {
  uint64_t bits;
  int source;
  uint64_t result;
};

void exchange(const Lanes& lanes) {
  for (int lane = 0; lane < 32; lane++) {
    if (!lanes.has(lane)) continue;
    auto& mine = lanes.at<ShuffleOperands>(lane);
    if (!lanes.has(mine.source))
      fail("a shuffle reads from a lane that does not take part", lanes.where,
           "  lane " + std::to_string(lane) + " reads lane " + std::to_string(mine.source) + ", mask " +
               hex(lanes.mask) + "\n");
    mine.result = lanes.at<ShuffleOperands>(mine.source).bits;
  }
}

int shuffle_source(int lane, Shuffle kind, int operand, int width) {
  const int begin = lane & ~(width - 1), end = begin + width;
  int source = lane;
  switch (kind) {
    case Shuffle::kIndex: return begin | (operand & (width - 1));
    case Shuffle::kUp: source = lane - operand; return source < begin ? lane : source;
    case Shuffle::kDown: source = lane + operand; return source >= end ? lane : source;
    case Shuffle::kXor: source = lane ^ operand; return source >= end ? lane : source;
  }
  return source;
}

struct VoteOperands {
  bool predicate;
  uint32_t result;
};

struct MatchOperands {
  uint64_t bits;
  uint32_t result;
};

struct ReduceOperands {
  int64_t value;
  Reduction reduction;
  int64_t result;
};

int64_t combine(Reduction reduction, int64_t a, int64_t b) {
  switch (reduction) {
    case Reduction::kAdd: return a + b;
    case Reduction::kMin: return std::min(a, b);
    case Reduction::kMax: return std::max(a, b);
    case Reduction::kAnd: return a & b;
    case Reduction::kOr: return a | b;
    case Reduction::kXor: return a ^ b;
  }
  return a;
}

}  // namespace

void* Lanes::operands(int lane) const { return first[lane].operands; }

void together(WarpOperation operation, uint32_t mask, void* operands, void (*compute)(const Lanes&), Where where) {
  meet(operation, mask, operands, compute, false, where);
}

void together_aligned(WarpOperation operation, void* operands, void (*compute)(const Lanes&), Where where) {
  const Warp& warp = current_block->warps[current_thread->warp];
  if (warp.live != ~0u)
    fail(std::string(name(operation)) + " needs all 32 lanes of the warp", where,
         "  there are " + hex(warp.live) + "\n");
  meet(operation, ~0u, operands, compute, true, where);
}

void sync_warp(uint32_t mask, Where where) {
  const auto order = [](const Lanes& lanes) {
    if (!current_block->race) return;
    Thread* threads[32];
    size_t count = 0;
    for (int lane = 0; lane < 32; lane++)
      if (lanes.has(lane)) threads[count++] = lanes.first + lane;
    current_block->race->barrier({threads, count}, {threads, count});
  };
  together(WarpOperation::kSync, mask, nullptr, order, where);
}

uint64_t shuffle(uint32_t mask, uint64_t bits, Shuffle kind, int operand, int width, Where where) {
  ShuffleOperands mine{bits, shuffle_source(current_thread->lane, kind, operand, width), 0};
  together(WarpOperation::kShuffle, mask, &mine, exchange, where);
  return mine.result;
}

uint32_t ballot(uint32_t mask, bool predicate, Where where) {
  VoteOperands mine{predicate, 0};
  const auto count = [](const Lanes& lanes) {
    uint32_t votes = 0;
    for (int lane = 0; lane < 32; lane++)
      if (lanes.has(lane) && lanes.at<VoteOperands>(lane).predicate) votes |= 1u << lane;
    for (int lane = 0; lane < 32; lane++)
      if (lanes.has(lane)) lanes.at<VoteOperands>(lane).result = votes;
  };
  together(WarpOperation::kVote, mask, &mine, count, where);
  return mine.result;
}

uint32_t match_any(uint32_t mask, uint64_t bits, Where where) {
  MatchOperands mine{bits, 0};
  const auto compare = [](const Lanes& lanes) {
    for (int a = 0; a < 32; a++)
      for (int b = 0; b < 32; b++)
        if (lanes.has(a) && lanes.has(b) && lanes.at<MatchOperands>(a).bits == lanes.at<MatchOperands>(b).bits)
          lanes.at<MatchOperands>(a).result |= 1u << b;
  };
  together(WarpOperation::kMatch, mask, &mine, compare, where);
  return mine.result;
}

bool elect(Where where) {
  together_aligned(
      WarpOperation::kElect, nullptr, [](const Lanes&) {}, where);
  return current_thread->lane == 0;
}

void set_max_registers(Where where) {
  together_aligned(
      WarpOperation::kSetMaxRegisters, nullptr, [](const Lanes&) {}, where);
}

uint32_t active_mask() { return current_block->warps[current_thread->warp].live; }

int64_t reduce(uint32_t mask, int64_t value, Reduction reduction, Where where) {
  ReduceOperands mine{value, reduction, 0};
  const auto fold = [](const Lanes& lanes) {
    const int leader = std::countr_zero(lanes.mask);
    const Reduction reduction = lanes.at<ReduceOperands>(leader).reduction;
    int64_t total = lanes.at<ReduceOperands>(leader).value;
    for (int lane = leader + 1; lane < 32; lane++)
      if (lanes.has(lane)) total = combine(reduction, total, lanes.at<ReduceOperands>(lane).value);
    for (int lane = leader; lane < 32; lane++)
      if (lanes.has(lane)) lanes.at<ReduceOperands>(lane).result = total;
  };
  together(WarpOperation::kReduce, mask, &mine, fold, where);
  return mine.result;
}

void leave_warp(const Thread& me) {
  Warp& warp = current_block->warps[me.warp];
  warp.live &= ~(1u << me.lane);
  const Thread* first = &me - me.lane;
  for (uint32_t rest = warp.arrived; rest; rest &= rest - 1) {
    const Thread& other = first[std::countr_zero(rest)];
    if (other.operation_mask >> me.lane & 1)
      fail(std::string("a lane exits while its warp waits for it in ") + name(other.operation),
           "  at " + describe(other.waiting_at) + ", mask " + hex(other.operation_mask) + "\n");
  }
}

}  // namespace cutloss::emulated
