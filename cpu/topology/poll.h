// Loops that take long ask every so often whether the job was cancelled.
#pragma once

#include "engine/engine.h"

namespace cutloss::cpu {

constexpr uint64_t kPoll = 1 << 16;

/// Whether to stop in step i of a loop.
inline bool stops_at(uint64_t i, const Cancel& cancel) { return i % kPoll == 0 && cancel.requested(); }

}  // namespace cutloss::cpu
