// The bars of single fields.
#pragma once

#include "cpu/thread_pool.h"
#include "engine/engine.h"

namespace cutloss::cpu {

/// Writes the bars of one item to the request's outputs.
template <int kAxes>
Status persistence_item(const PersistenceRequest& request, int64_t item, ThreadPool& pool, Cancel& cancel);

}  // namespace cutloss::cpu
