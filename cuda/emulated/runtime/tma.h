// TMA: a copy engine that moves two-dimensional tiles between global and shared memory, swizzled, with zeros for
// what lies outside the tensor. Loads report to an mbarrier, stores are waited for in groups.
#pragma once
#include <cstdint>

#include "cuda/emulated/host/tensor_map.h"
#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

void tma_load(void* to, const CUtensorMap& map, uint64_t* mbarrier, int column, int row, Where where);

// Into the same place of every block of the cluster whose bit is set; each block's own mbarrier is told.
void tma_load_multicast(void* to, const CUtensorMap& map, uint64_t* mbarrier, int column, int row, uint16_t blocks,
                        Where where);

void tma_store(const CUtensorMap& map, const void* from, int column, int row, Where where);
void tma_reduce_add(const CUtensorMap& map, const void* from, int column, int row, Where where);
void commit_stores(Where where);

// Waits until all but the last `pending` groups of this thread have read their shared memory.
void wait_stores(int pending, Where where);

}  // namespace cutloss::emulated
