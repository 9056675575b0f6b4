// wgmma: four warps multiply a [64, 16] by b [16, columns], read from shared memory through descriptors, while the
// threads go on. Each warp owns 16 rows of the accumulator. Both operands may be K-major or MN-major, with the
// 128-byte swizzle; a may also come from registers.
#pragma once
#include <cstdint>

#include "cuda/emulated/runtime/number_formats.h"
#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

struct WgmmaKind {
  Format format;
  int columns;
  bool a_in_registers;
  bool a_is_mn_major, b_is_mn_major;
};

void wgmma_fence(Where where);

// `a_registers` is used or `a`, as the kind says. d has columns / 2 numbers per thread.
void wgmma(const WgmmaKind& kind, float* d, const uint32_t* a_registers, uint64_t a, uint64_t b, bool accumulate,
           Where where);
void wgmma_commit(Where where);

// Waits for all but the last `pending` groups.
void wgmma_wait(int pending, Where where);

// Fails if a wgmma that writes these accumulators has not been waited for.
void wgmma_check_registers(const float* d, Where where);

struct Thread;

// For a thread that has left its warp: nothing is under way, and the warps of its warpgroup have agreed.
void check_wgmma_at_exit(const Thread& me);

bool is_wgmma_accumulator(const Thread& thread, const void* address);

}  // namespace cutloss::emulated
