// Runs a grid: its clusters (one block each, if there are no clusters) are handed to OS threads one by one, and
// each is run to its end on the OS thread that took it. Returns when all are done.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/emulated/language/types.h"

namespace cutloss::emulated {

struct Launch {
  dim3 grid, block, cluster;
  size_t shared_bytes = 0;
  void (*kernel)(void* arguments) = nullptr;
  void* arguments = nullptr;
  uint64_t seed = 0;
};

inline constexpr unsigned kMaxThreads = 1024;
inline constexpr unsigned kMaxClusterBlocks = 8;
inline constexpr size_t kMaxSharedBytes = 227 * 1024;

// False if no GPU would accept the configuration.
bool run(Launch launch);

}  // namespace cutloss::emulated
