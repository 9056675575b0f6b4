// mbarriers: eight bytes of shared memory that count arrivals and bytes, and flip a phase when both are complete.
#pragma once
#include <cstdint>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

void mbarrier_init(uint64_t* mbarrier, uint32_t count, Where where);
void mbarrier_invalidate(uint64_t* mbarrier, Where where);

// Arrives `count` times after adding to the bytes that the phase waits for.
void mbarrier_arrive(uint64_t* mbarrier, uint32_t count, uint32_t expected_bytes, Where where);
void mbarrier_expect_bytes(uint64_t* mbarrier, uint32_t bytes, Where where);

// Whether the phase of this parity is complete; lets others run if it is not.
bool mbarrier_try_wait(uint64_t* mbarrier, uint32_t parity, Where where);
void mbarrier_wait(uint64_t* mbarrier, uint32_t parity, Where where);

// That a TMA load may report to it.
void mbarrier_check(uint64_t* mbarrier, Where where);

// The copy engine reports bytes that have landed.
class Block;
void mbarrier_complete_bytes(Block& block, uint64_t* mbarrier, uint32_t bytes, Where where);

// The mbarrier at the same offset in another block of the cluster.
uint64_t* mbarrier_of_block(uint64_t* mbarrier, uint32_t rank, Where where);

void check_mbarrier_at_exit(uint64_t state, size_t offset);

}  // namespace cutloss::emulated
