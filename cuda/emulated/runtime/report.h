// The one way in which the emulator ends a run: a report on standard error and exit code 86, which no test
// mistakes for a wrong result. Kernels cannot recover from these errors, so neither does the process.
#pragma once
#include <string>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

inline constexpr int kExitCode = 86;

// Prints "cutloss emulator: <what>", the thread that is running, and the details; then exits.
[[noreturn]] void fail(const std::string& what, const std::string& details = "");
[[noreturn]] void fail(const std::string& what, Where where, const std::string& details = "");

[[noreturn]] void trap(Where where);

}  // namespace cutloss::emulated
