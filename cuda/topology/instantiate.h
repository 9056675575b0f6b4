// All passes over one kind of graph, each kind compiled in a file of its own.
#pragma once

#include "cuda/topology/bar_kernels.h"
#include "cuda/topology/elder_kernels.h"
#include "cuda/topology/forest_kernels.h"

#define CUTLOSS_INSTANTIATE_MERGING(...)                                                                             \
  template Status grow(Sequence&, const Forest<__VA_ARGS__>&, ForestCounts*);                                        \
  template Status order_by_chain(Sequence&, const Forest<__VA_ARGS__>&, const ChainMemory&, ForestCounts*, Chains*); \
  template uint32_t find_deaths(Sequence&, const Elders<__VA_ARGS__>&, const ForestCounts&, const ForestCounts*);    \
  template void match_bars(Sequence&, const BarPass<__VA_ARGS__>&);                                                  \
  template void score_bars(Sequence&, const BarPass<__VA_ARGS__>&);                                                  \
  template void write_bars(Sequence&, const BarPass<__VA_ARGS__>&);                                                  \
  template void count_bars(Sequence&, const BarPass<__VA_ARGS__>&, const Counting&)
