// CUDA's atomic functions on 32- and 64-bit words, in global and in shared memory. All of them go through one
// compare-and-swap in the runtime, which is where random schedules interrupt and the race checker listens.
#pragma once
#include <cstdint>

#include "cuda/emulated/runtime/atomics.h"

namespace cutloss::emulated {

// Replaces *target by change(*target) atomically; returns the old value.
template <class T, class Change>
T atomic_update(T* target, Change change, Where where) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "atomics work on 32- and 64-bit words");
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  Bits old = atomic_begin(reinterpret_cast<Bits*>(target), where);
  for (;;) {
    const Bits wanted = std::bit_cast<Bits>(static_cast<T>(change(std::bit_cast<T>(old))));
    const Bits seen = compare_and_swap(reinterpret_cast<Bits*>(target), old, wanted);
    if (seen == old) return std::bit_cast<T>(old);
    old = seen;
  }
}

}  // namespace cutloss::emulated

template <class T>
T atomicAdd(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old + value; }, where);
}
template <class T>
T atomicSub(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old - value; }, where);
}
template <class T>
T atomicMin(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return value < old ? value : old; }, where);
}
template <class T>
T atomicMax(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old < value ? value : old; }, where);
}
template <class T>
T atomicAnd(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old & value; }, where);
}
template <class T>
T atomicOr(T* target, std::type_identity_t<T> value,
           cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old | value; }, where);
}
template <class T>
T atomicXor(T* target, std::type_identity_t<T> value,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T old) { return old ^ value; }, where);
}
template <class T>
T atomicExch(T* target, std::type_identity_t<T> value,
             cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [value](T) { return value; }, where);
}
template <class T>
T atomicCAS(T* target, std::type_identity_t<T> expected, std::type_identity_t<T> desired,
            cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [=](T old) { return old == expected ? desired : old; }, where);
}
inline unsigned atomicInc(unsigned* target, unsigned limit,
                          cutloss::emulated::Where where = cutloss::emulated::Where::current()) {
  return cutloss::emulated::atomic_update(
      target, [limit](unsigned old) { return old >= limit ? 0u : old + 1u; }, where);
}
