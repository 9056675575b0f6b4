// A GPU that is lost to the process, as after an illegal address: at any moment of opening it and of a step, the call
// in progress and every later one ends in a typed error, nothing crashes, and the process ends as it would have. On a
// GPU a kernel that writes where nothing is does it (scripts/gpu-pack.sh); emulated, the n-th call of the runtime for
// each n.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "engine/engine.h"
#include "test/native/check.h"
#include "test/native/cuda/engine_calls.h"

#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/host/errors.h"
#else
void write_nowhere();  // scripts/gpu/write_nowhere.cu
#endif

using namespace cutloss;

namespace {

enum Ending { kLost, kStillThere, kWrong };

bool is_lost(const Status& status) { return status.code == Code::kCuda && std::strstr(status.message, "lost"); }

template <class Call>
Ending lose(long moment) {
  Cancel never;
  Status status;
#ifdef CUTLOSS_EMULATED
  emulated::lose_device_after(moment);
#else
  (void)moment;
#endif
  Engine* engine = cuda_engine(0, &status);
  if (!engine) return status.code == Code::kCuda ? kLost : kWrong;
#ifndef CUTLOSS_EMULATED
  if (!Call().run(*engine, never).ok()) return kWrong;
  write_nowhere();
#endif
  void* memory = nullptr;
  const Status allocated = engine->allocate(64, &memory);
  const Status before = Call().run(*engine, never);
  if (allocated.ok()) engine->release(memory, 64);
  if (!before.ok() && before.code != Code::kCuda) return kWrong;
  const Status next = Call().run(*engine, never);
  if (next.ok()) return before.ok() && allocated.ok() ? kStillThere : kWrong;
  DeviceInfo info;
  const Status described = engine->describe(&info);
  const Status refused = engine->allocate(64, &memory);
  float word = 0;
  const bool told = next.code == Code::kCuda && is_lost(Call().run(*engine, never)) && is_lost(described) &&
                    is_lost(refused) && is_lost(engine->upload(&word, &word, sizeof word)) &&
                    is_lost(engine->download(&word, &word, sizeof word));
  const MemoryUse use = engine->memory();
  return told && use.bytes == 0 && use.workspace_bytes == 0 ? kLost : kWrong;
}

/// In a process of its own, which ends by exit(): destructors and all.
template <class Call>
Ending lose_in_child(long moment) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    std::exit(lose<Call>(moment));
  }
  int ending = -1;
  const bool ended = child > 0 && waitpid(child, &ending, 0) == child && WIFEXITED(ending);
  return ended ? Ending(WEXITSTATUS(ending)) : kWrong;
}

template <class Call>
void test_every_moment() {
#ifndef CUTLOSS_EMULATED
  CHECK(lose_in_child<Call>(0) == kLost);
#else
  long moment = 1;
  Ending ending;
  while ((ending = lose_in_child<Call>(moment)) == kLost) ++moment;
  if (!CHECK(ending == kStillThere)) std::printf("at call %ld of the runtime\n", moment);
  CHECK(moment > 20);
#endif
}

}  // namespace

int main() {
  test_every_moment<test::RowsCall>();
  test_every_moment<test::CutCall>();
  return test::finish("lost");
}
