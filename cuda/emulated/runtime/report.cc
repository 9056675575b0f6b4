// Prints the first error of the process and ends it.
#include "cuda/emulated/runtime/report.h"

#include <stdio.h>
#include <unistd.h>

#include <atomic>

#include "cuda/emulated/runtime/thread.h"

namespace cutloss::emulated {
namespace {

std::atomic_flag reported;

}  // namespace

void fail(const std::string& what, const std::string& details) {
  while (reported.test_and_set()) pause();  // another OS thread is already reporting
  fflush(stdout);
  fprintf(stderr, "cutloss emulator: %s\n", what.c_str());
  if (current_thread) fprintf(stderr, "  in %s\n", describe(*current_thread).c_str());
  if (!details.empty()) fprintf(stderr, "%s%s", details.c_str(), details.back() == '\n' ? "" : "\n");
  fflush(stderr);
  _exit(kExitCode);
}

void fail(const std::string& what, Where where, const std::string& details) {
  std::string lines = "  at " + describe(where) + "\n";
  if (where.function_name() && *where.function_name()) lines += std::string("  in ") + where.function_name() + "\n";
  fail(what, lines + details);
}

void trap(Where where) { fail("the kernel called __trap()", where); }

}  // namespace cutloss::emulated
