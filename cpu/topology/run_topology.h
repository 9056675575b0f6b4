// The topology engine on the CPU. Items are computed side by side, and so are the fields and dimensions of each.
#pragma once

#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

Status run_persistence(PersistenceRequest& request, ThreadPool& pool, Cancel& cancel) noexcept;
Status run_prepare_target(PrepareTargetRequest& request, ThreadPool& pool, Cancel& cancel) noexcept;
Status run_matching(MatchingRequest& request, ThreadPool& pool, Cancel& cancel) noexcept;
Status run_betti_numbers(BettiNumbersRequest& request, ThreadPool& pool, Cancel& cancel) noexcept;

}  // namespace cutloss::cpu
