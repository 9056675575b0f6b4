// The operation that runs a job of ours inside TensorFlow, on the memory of its tensors.
//
// A call stages its job under a number and then executes the operation, whose first input is that number: the kernel
// finds the job, puts the tensors' memory where the job left it open, allocates the outputs and lets the engine run.
// So the operation knows no loss, and a loss does not know of TensorFlow.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace cutloss::tensorflow {

/// A view that the operation provides: its place among the request's, and for an output its shape.
struct OpenView {
  uint32_t slot = 0;
  std::vector<int64_t> shape;
};

struct StagedJob {
  Engine* engine = nullptr;
  Request request;
  std::vector<OpenView> inputs;   // in the order of the operation's: float32, then int32
  std::vector<OpenView> outputs;  // likewise
  Status status;
  bool ran = false;
};

/// Registers the operation, once per process and copy of this addon, and gives its name.
Status register_op(std::string* name);

/// The number that the operation is to be given.
int32_t stage(std::unique_ptr<StagedJob> job);

/// Takes the job back; null for a number that is not staged.
std::unique_ptr<StagedJob> unstage(int32_t number);

}  // namespace cutloss::tensorflow
