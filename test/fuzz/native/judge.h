// What must hold of every call, whatever its bytes: it is refused or answered; a refusal leaves outputs as they were,
// an answer is the same bits on any number of threads, and inputs are never written to. What does not hold ends the
// process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace cutloss::fuzz {

struct Outcome {
  const char* operation = nullptr;
  Code code = Code::kOk;
  bool ran = false;        // an engine was asked
  std::vector<char> bits;  // outputs and results
};

Outcome judge(const uint8_t* data, size_t size);

}  // namespace cutloss::fuzz
