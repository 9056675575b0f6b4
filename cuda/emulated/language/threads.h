// What a CUDA thread knows and shares: its coordinates, barriers, warp collectives, fences. Thin, typed fronts
// for the runtime; each takes the place it was called from, so that a report can name the kernel's line.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "cuda/emulated/runtime/barriers.h"
#include "cuda/emulated/runtime/coordinates.h"
#include "cuda/emulated/runtime/report.h"
#include "cuda/emulated/runtime/warp.h"

#define threadIdx (::cutloss::emulated::coordinates->thread_index)
#define blockIdx (::cutloss::emulated::coordinates->block_index)
#define blockDim (::cutloss::emulated::coordinates->block_dim)
#define gridDim (::cutloss::emulated::coordinates->grid_dim)

inline constexpr int warpSize = 32;

namespace cutloss::emulated {

// A value of at most 8 bytes as it travels between lanes.
template <class T>
uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8, "lanes exchange at most 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <class T>
T from_bits(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace cutloss::emulated

inline void __syncthreads(cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  cutloss::emulated::sync_block(0, where);
}
inline int __syncthreads_count(int predicate, cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::sync_block(predicate != 0, where);
}
inline int __syncthreads_or(int predicate, cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::sync_block(predicate != 0, where) != 0;
}
inline int __syncthreads_and(int predicate, cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::sync_block(predicate == 0, where) == 0;
}
inline void __syncwarp(unsigned mask = ~0u, cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  cutloss::emulated::sync_warp(mask, where);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  using namespace cutloss::emulated;
  return from_bits<T>(shuffle(mask, to_bits(value), Shuffle::kIndex, lane, width, where));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  using namespace cutloss::emulated;
  return from_bits<T>(shuffle(mask, to_bits(value), Shuffle::kUp, static_cast<int>(delta), width, where));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  using namespace cutloss::emulated;
  return from_bits<T>(shuffle(mask, to_bits(value), Shuffle::kDown, static_cast<int>(delta), width, where));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  using namespace cutloss::emulated;
  return from_bits<T>(shuffle(mask, to_bits(value), Shuffle::kXor, lane_mask, width, where));
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate,
                      cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::ballot(mask, predicate == 0, where) == 0;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value,
                          cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::match_any(mask, cutloss::emulated::to_bits(value), where);
}
inline unsigned __activemask() { return cutloss::emulated::active_mask(); }

#define CUTLOSS_EMULATED_REDUCE(name, type, operation)                                                       \
  inline type __reduce_##name##_sync(unsigned mask, type value,                                              \
                                     cutloss::emulated::Where where = cutloss::emulated::Where::current()) { \
    return static_cast<type>(cutloss::emulated::reduce(mask, value, operation, where));                      \
  }
CUTLOSS_EMULATED_REDUCE(add, int, cutloss::emulated::Reduction::kAdd)
CUTLOSS_EMULATED_REDUCE(add, unsigned, cutloss::emulated::Reduction::kAdd)
CUTLOSS_EMULATED_REDUCE(min, int, cutloss::emulated::Reduction::kMin)
CUTLOSS_EMULATED_REDUCE(min, unsigned, cutloss::emulated::Reduction::kMin)
CUTLOSS_EMULATED_REDUCE(max, int, cutloss::emulated::Reduction::kMax)
CUTLOSS_EMULATED_REDUCE(max, unsigned, cutloss::emulated::Reduction::kMax)
CUTLOSS_EMULATED_REDUCE(and, unsigned, cutloss::emulated::Reduction::kAnd)
CUTLOSS_EMULATED_REDUCE(or, unsigned, cutloss::emulated::Reduction::kOr)
CUTLOSS_EMULATED_REDUCE(xor, unsigned, cutloss::emulated::Reduction::kXor)
#undef CUTLOSS_EMULATED_REDUCE

// Emulated memory is sequentially consistent between the threads of a block; a missing fence cannot be seen.
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() {}
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

inline void __nanosleep(unsigned, cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  cutloss::emulated::yield(where);
}
inline long long clock64() { return static_cast<long long>(clock()); }
[[noreturn]] inline void __trap(cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  cutloss::emulated::trap(where);
}

// Loads and stores with cache hints.
template <class T>
T __ldg(const T* from) {
  return *from;
}
template <class T>
T __ldcs(const T* from) {
  return *from;
}
template <class T>
T __ldcg(const T* from) {
  return *from;
}
template <class T>
void __stcs(T* to, T value) {
  *to = value;
}
template <class T>
void __stcg(T* to, T value) {
  *to = value;
}
