// The entry of libFuzzer, whose main() mutates what it has seen.
#include "test/fuzz/native/judge.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* levels[8];
  const int count = cutloss::simd_levels(levels);
  const cutloss::Status status = cutloss::set_simd(levels[size % size_t(count)]);
  if (status.ok()) cutloss::fuzz::judge(data, size);
  return 0;
}
