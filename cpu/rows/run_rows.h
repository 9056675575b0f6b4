// The rows engine on the CPU: one pass that takes each row from logits to loss and gradient while it is in the cache.
#pragma once

#include "cpu/levels/levels.h"
#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

Status run_rows(RowsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept;

}  // namespace cutloss::cpu
