// How a test sets the topology engine to work and sees what it spent.
#pragma once

#include "cuda/parallel/sequence.h"

namespace cutloss::cuda {

struct TopologyProbe : SequenceProbe {
  void (*at_loops)() = nullptr;  // called by the thread that has loops reduced, when it begins

  int64_t most_rounds = 0;   // of a forest
  int64_t elder_levels = 0;  // that took launches of their own
  size_t workspace_bytes = 0;
};

}  // namespace cutloss::cuda
