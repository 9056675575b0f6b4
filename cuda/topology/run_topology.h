// The topology engine on a GPU. Components and holes (cavities in 3-D) of a whole batch are found by one sequence of
// launches; see docs/topology-gpu.md. What it cannot do it says, or leaves to the CPU engine.
#pragma once

#include "cuda/device.h"
#include "cuda/topology/probe.h"
#include "engine/topology.h"

namespace cutloss::cuda {

/// The stream's submission must be held. `probe` may be null.
Status run_persistence(PersistenceRequest& request, Device& device, Cancel& cancel,
                       TopologyProbe* probe = nullptr) noexcept;
Status run_matching(MatchingRequest& request, Device& device, Cancel& cancel, TopologyProbe* probe = nullptr) noexcept;
Status run_betti_numbers(BettiNumbersRequest& request, Device& device, Cancel& cancel,
                         TopologyProbe* probe = nullptr) noexcept;

}  // namespace cutloss::cuda
