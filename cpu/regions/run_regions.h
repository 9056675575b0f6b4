// The regions engine on the CPU: a pass for the moments, scalar work between, a pass for the gradient.
#pragma once

#include "cpu/levels/levels.h"
#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

Status run_regions(RegionsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept;

}  // namespace cutloss::cpu
