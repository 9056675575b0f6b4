// Sorting pairs of numbers by the lower bits of their keys; equal keys keep their order.
#pragma once

#include "cuda/parallel/sequence.h"

namespace cutloss::cuda {

struct Pairs {
  uint32_t* keys;
  uint32_t* values;
};

/// Bytes of memory for the counts of every block and digit.
constexpr size_t kSortCountsBytes = size_t{4} * 257 * kMostBlocks;

/// Swaps *pairs and *other so that *pairs are sorted.
void sort_pairs(Sequence& sequence, Pairs* pairs, Pairs* other, uint32_t count, int bits, uint32_t* counts);

}  // namespace cutloss::cuda
