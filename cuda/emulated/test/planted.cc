// The driver of the planted bugs.
#include "cuda/emulated/test/planted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cutloss::emulated::test {
namespace {

// The two fixed orders and three random ones.
const std::vector<int> kSeeds = {0, 1, 2, 3, 4};

struct Outcome {
  int code;
  std::string report;
};

Outcome in_child(const Case& test, bool with_bug, int seed) {
  int channel[2];
  if (pipe(channel) != 0) return {-1, "no pipe"};
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(channel[1], STDERR_FILENO);
    close(channel[0]);
    close(channel[1]);
    alarm(60);
    setenv("CUTLOSS_EMULATED_SEED", std::to_string(seed).c_str(), 1);
    _exit(test.run(with_bug) ? 0 : 1);
  }
  close(channel[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t n; (n = read(channel[0], buffer, sizeof buffer)) > 0;)
    outcome.report.append(buffer, static_cast<size_t>(n));
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

// The evidence may name alternatives, separated by bars.
bool shows(const std::string& report, const std::string& evidence) {
  for (size_t begin = 0; begin <= evidence.size();) {
    const size_t end = std::min(evidence.find('|', begin), evidence.size());
    if (report.find(evidence.substr(begin, end - begin)) != std::string::npos) return true;
    begin = end + 1;
  }
  return false;
}

bool is_caught(const Case& test, const Outcome& outcome) {
  if (!test.evidence) return outcome.code == 1;
  // A race has two sides, and a report that does not say where they are is of little help.
  const size_t first_line = outcome.report.find(".cu:"), second_line = outcome.report.rfind(".cu:");
  if (outcome.report.find("data race") != std::string::npos && first_line == second_line) return false;
  const bool by_sanitizer = outcome.report.find("Sanitizer") != std::string::npos;
  return outcome.code != 0 && (by_sanitizer || shows(outcome.report, test.evidence));
}

bool must_be_caught(const Case& test, const std::string& mode) {
  switch (test.caught) {
    case Caught::kAlways: return true;
    case Caught::kByBounds: return mode != "plain";
    case Caught::kByRaceCheck:
    case Caught::kBySomeSchedule: return mode == "race";
  }
  return true;
}

void show(const char* what, const Case& test, int seed, const Outcome& outcome) {
  printf("%s: %s (seed %d, exit code %d)\n%s", what, test.name, seed, outcome.code, outcome.report.c_str());
}

// Many schedules for the correct kernels alone.
int run_twins(const Case* cases, size_t count, int seeds) {
  int runs = 0, failures = 0;
  for (size_t i = 0; i < count; i++)
    for (int seed = 2; seed < 2 + seeds; seed++) {
      const Outcome twin = in_child(cases[i], false, seed);
      runs++;
      if (twin.code == 0) continue;
      show("A correct kernel was rejected", cases[i], seed, twin);
      failures++;
    }
  printf("%d of %d runs of correct kernels rejected\n", failures, runs);
  return failures ? 1 : 0;
}

}  // namespace

int run_planted(const Case* cases, size_t count, int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "plain";
  const std::string only = argc > 2 ? argv[2] : "";
  if (only == "twins") return run_twins(cases, count, argc > 3 ? atoi(argv[3]) : 200);
  int caught = 0, expected = 0, failures = 0;
  for (size_t i = 0; i < count; i++) {
    const Case& test = cases[i];
    if (!only.empty() && only != test.name) continue;
    for (int seed : kSeeds) {
      const Outcome twin = in_child(test, false, seed);
      if (twin.code == 0) continue;
      show("A correct kernel was rejected", test, seed, twin);
      failures++;
    }
    if (!must_be_caught(test, mode)) continue;
    expected++;
    int times = 0;
    for (int seed : kSeeds) {
      const Outcome bug = in_child(test, true, seed);
      if (!only.empty()) show("With the bug", test, seed, bug);
      if (is_caught(test, bug))
        times++;
      else if (test.caught != Caught::kBySomeSchedule)
        show("A planted bug was not caught", test, seed, bug);
    }
    const int wanted = test.caught == Caught::kBySomeSchedule ? 1 : static_cast<int>(kSeeds.size());
    if (times >= wanted) caught++;
    printf("%-52s %s %d of %zu schedules\n", test.name, times >= wanted ? "caught by" : "MISSED, only", times,
           kSeeds.size());
  }
  printf("%s: %d of %d planted bugs caught, %d correct kernels rejected\n", mode.c_str(), caught, expected, failures);
  return caught == expected && failures == 0 ? 0 : 1;
}

}  // namespace cutloss::emulated::test
