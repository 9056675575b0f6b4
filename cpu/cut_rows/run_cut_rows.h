// Losses on logits that are never built, on the CPU: chunk by chunk within the workspace.
#pragma once

#include "cpu/levels/levels.h"
#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

Status run_cut_rows(CutRowsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept;

}  // namespace cutloss::cpu
