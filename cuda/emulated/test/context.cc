// The stack switch, alone: it comes back, keeps what the calling convention promises, and is fast. Built twice, with
// the hand-written switch and with ucontext.
#include "cuda/emulated/runtime/context.h"

#include <cstdio>
#include <ctime>
#include <vector>

using cutloss::emulated::Context;

namespace {

constexpr int kContexts = 8, kRounds = 100000;
constexpr size_t kStackBytes = 64 * 1024;

Context main_context, contexts[kContexts];
double sums[kContexts];
int running, finished;

// Keeps integers and floating-point numbers across switches; the compiler likes to keep them in registers.
void body() {
  const int me = running;
  double sum = me;
  long a = me, b = me + 1, c = me + 2, d = me + 3, e = me + 4;
  for (int i = 0; i < kRounds; i++) {
    sum += 0.5 * static_cast<double>(a + b + c + d + e);
    running = (me + 1) % kContexts;
    Context::switch_between(contexts[me], contexts[running]);
  }
  sums[me] = sum;
  running = (me + 1) % kContexts;
  if (++finished == kContexts) Context::switch_between(contexts[me], main_context);
  Context::switch_between(contexts[me], contexts[running]);
}

}  // namespace

int main() {
  std::vector<std::byte> stacks(kContexts * kStackBytes);
  for (int i = 0; i < kContexts; i++) contexts[i].prepare(&stacks[i * kStackBytes], kStackBytes, body);
  const clock_t begin = clock();
  Context::switch_between(main_context, contexts[0]);
  const double seconds = static_cast<double>(clock() - begin) / CLOCKS_PER_SEC;
  bool right = true;
  for (int i = 0; i < kContexts; i++) right &= sums[i] == i + 0.5 * (5.0 * i + 10) * kRounds;
  printf("%d switches, %.1f ns each: %s\n", kContexts * kRounds, seconds * 1e9 / kContexts / kRounds,
         right ? "ok" : "WRONG");
  return right ? 0 : 1;
}
