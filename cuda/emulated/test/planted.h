// Kernels with one bug each, and their correct twins. A bug must be noticed, for the right reason; a twin must pass.
// Every case runs in a child process, because a report ends the process that it is made in.
#pragma once
#include <cstddef>

namespace cutloss::emulated::test {

enum class Caught {
  kAlways,          // by every build, under every schedule
  kByRaceCheck,     // by the race checker, under every schedule
  kByBounds,        // by the race checker and by AddressSanitizer, under every schedule
  kBySomeSchedule,  // by the race checker's build, under one schedule of the list at least
};

struct Case {
  const char* name;
  Caught caught;
  const char* evidence;        // stands in the report, or null if the kernel's result is wrong instead
  bool (*run)(bool with_bug);  // whether the result is right
};

// Runs all cases in this build's mode. Returns the exit code of the test. The program's arguments are
//   <mode>             plain, race or asan, as it was built
//   <mode> "<name>"    one case, with its reports
//   <mode> twins <n>   the correct kernels only, under n random schedules
int run_planted(const Case* cases, size_t count, int argc, char** argv);

template <size_t N>
int run_planted(const Case (&cases)[N], int argc, char** argv) {
  return run_planted(cases, N, argc, argv);
}

}  // namespace cutloss::emulated::test
