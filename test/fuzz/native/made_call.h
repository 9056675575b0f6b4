// A call as the binding receives it, made of a fuzzer's bytes: an operation, parameters of which most are what they are
// unless somebody sets them, and typed arrays. Lengths are what check() asks for, so that most calls get past it to the
// engine; the memory is exactly as long as that, so that a check that asks for too little is seen by AddressSanitizer.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "test/fuzz/native/bytes.h"
#include "test/fuzz/native/fake_node.h"

namespace cutloss::fuzz {

class MadeCall {
 public:
  explicit MadeCall(Bytes bytes);

  const char* operation() const;
  /// What decoding and checking said of it.
  const Status& status() const { return status_; }
  /// Whether it is small enough to have memory.
  bool has_memory() const { return has_memory_; }
  Request& request() { return request_; }
  bool aborted() const { return aborted_; }

  /// Outputs as they were before any run; inputs that are outputs too get back what they held.
  void reset();
  /// All that a run may change.
  std::vector<char> outputs() const;
  bool inputs_are_whole() const;

 private:
  struct Field {
    const char* name;
    Accept accept;
    bool output;
  };
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t bytes = 0;
    std::vector<char> filled;  // as reset() leaves it
  };

  class FieldList;
  void choose_parameters(Bytes& bytes);
  void choose_views(Bytes& bytes);
  void settle_lengths();
  void decode_and_check();
  bool obey(const Status& status);
  void give_memory(Bytes& bytes);
  void fill(size_t view, Bytes& bytes);
  bool prepare_target(size_t view, Bytes& bytes);

  size_t operation_ = 0;
  std::vector<Field> fields_;
  std::vector<const char*> parameter_names_;
  std::vector<bool> whole_;
  std::vector<double> parameters_;
  FakeList values_;
  std::vector<uint8_t> dtypes_;
  std::vector<uint8_t> spoiled_;  // views whose length is not what check() asks for
  std::vector<Block> blocks_;
  Request request_;
  Status status_;
  bool has_memory_ = false, aborted_ = false;
};

}  // namespace cutloss::fuzz
