#include "test/fuzz/native/judge.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "binding/decode.h"
#include "test/fuzz/native/made_call.h"

namespace cutloss::fuzz {
namespace {

struct Ending {
  Status status;
  std::vector<char> bits;
};

[[noreturn]] void wrong(const MadeCall& call, const Status& status, const char* what) {
  std::fprintf(stderr, "%s: %s (code %d, \"%s\")\n", call.operation(), what, int(status.code), status.message);
  std::abort();
}

Ending run(MadeCall& call) {
  call.reset();
  Cancel cancel;
  if (call.aborted()) cancel.request();
  const std::vector<char> before = call.outputs();
  Ending ending;
  ending.status = cpu_engine().run(call.request(), cancel);
  ending.bits = call.outputs();
  const Code code = ending.status.code;
  if (!call.inputs_are_whole()) wrong(call, ending.status, "an input was written to");
  if (code == Code::kCancelled ? !call.aborted() : (code > Code::kTarget && code != Code::kInternal)) {
    wrong(call, ending.status, "a failure that nothing explains");
  }
  // kInternal: words that were harmed are found out where they are read.
  const bool untouched = code != Code::kOk && code != Code::kCancelled && code != Code::kInternal;
  if (untouched && ending.bits != before) {
    wrong(call, ending.status, "outputs were written although the call failed");
  }
  double results[16] = {};
  std::visit([&](auto& r) { fields(r, binding::ResultCopy(results)); }, call.request());
  const auto* result_bits = reinterpret_cast<const char*>(results);
  if (code == Code::kOk) ending.bits.insert(ending.bits.end(), result_bits, result_bits + sizeof results);
  return ending;
}

}  // namespace

Outcome judge(const uint8_t* data, size_t size) {
  MadeCall call{Bytes(data, size)};
  Outcome outcome;
  outcome.operation = call.operation();
  outcome.code = call.status().code;
  if (!call.has_memory() || !call.status().ok()) return outcome;
  outcome.ran = true;
  const Status one_thread = set_threads(1);
  const Ending alone = run(call);
  const Status more_threads = set_threads(3);
  const Ending together = run(call);
  if (!one_thread.ok() || !more_threads.ok()) wrong(call, one_thread, "the number of threads was refused");
  const bool cancelled = alone.status.code == Code::kCancelled || together.status.code == Code::kCancelled;
  if (!cancelled && (alone.status.code != together.status.code || alone.bits != together.bits)) {
    wrong(call, together.status, "threads change the answer");
  }
  outcome.code = alone.status.code;
  if (!cancelled) outcome.bits = alone.bits;
  return outcome;
}

}  // namespace cutloss::fuzz
