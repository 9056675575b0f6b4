// The SIMD levels this machine can run, chosen one after another.
#pragma once

#include "cpu/levels/levels.h"
#include "engine/engine.h"
#include "test/native/check.h"

namespace cutloss::test {

template <class Body>
void for_each_level(Body&& body) {
  const char* names[8];
  const int count = simd_levels(names);
  for (int i = 0; i < count; ++i) {
    CHECK(set_simd(names[i]).ok());
    CHECK(cpu::level().name == names[i]);
    body(cpu::level());
  }
  CHECK(set_simd(nullptr).ok());
}

}  // namespace cutloss::test
