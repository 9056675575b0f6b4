// The two steps of every atomic update: a beginning, where other threads may be let in, and a compare-and-swap.
#pragma once
#include <bit>
#include <cstdint>
#include <type_traits>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

// Checks and notes the access; returns the value to start from.
uint32_t atomic_begin(uint32_t* target, Where where);
uint64_t atomic_begin(uint64_t* target, Where where);

// Returns what was there.
uint32_t compare_and_swap(uint32_t* target, uint32_t expected, uint32_t desired);
uint64_t compare_and_swap(uint64_t* target, uint64_t expected, uint64_t desired);

}  // namespace cutloss::emulated
