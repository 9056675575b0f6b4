// Tells AddressSanitizer which bytes may be touched, in the builds that have it. Weak references let one build
// of the runtime serve them all.
#pragma once
#include <cstddef>

extern "C" {
void __asan_poison_memory_region(const volatile void*, size_t) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void*, size_t) __attribute__((weak));
}

namespace cutloss::emulated {

inline void poison(const void* begin, size_t bytes) {
  if (__asan_poison_memory_region) __asan_poison_memory_region(begin, bytes);
}

inline void unpoison(const void* begin, size_t bytes) {
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(begin, bytes);
}

}  // namespace cutloss::emulated
