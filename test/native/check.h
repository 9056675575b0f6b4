// The least a test needs: CHECK says what was false and where, finish() is main's return value.
#pragma once

#include <atomic>
#include <cstdio>

namespace cutloss::test {

// from any thread
inline std::atomic<int> failures{0};
inline std::atomic<long> checks{0};

inline bool check(bool ok, const char* what, const char* file, int line) {
  ++checks;
  if (!ok && ++failures <= 20) std::printf("%s:%d: %s\n", file, line, what);
  return ok;
}

inline int finish(const char* name) {
  std::printf("%s: %ld checks, %d failures\n", name, checks.load(), failures.load());
  return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace cutloss::test

#define CHECK(...) cutloss::test::check((__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
