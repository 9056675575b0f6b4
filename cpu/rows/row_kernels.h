// What a SIMD level gives to the rows engine: for each storage type, the sweeps over one row of logits. `plain` runs in
// float and covers softmax as it stands; `general` runs in double and covers everything. The general sweep is also what
// the plain one is tested against.
#pragma once

#include <cstdint>

#include "engine/view.h"
#include "math/rows/softmax.h"
#include "math/rows/transform.h"

namespace cutloss::cpu {

/// How logits become z, and what else the general sweep weighs: the same for all rows of a call.
struct GeneralRow {
  int64_t classes;
  math::LogitTransform transform;
  double label_smoothing;
  const float* class_weights;  // [classes] or null
  DType labels_dtype;
  bool wants_labels;  // smoothing, or probability targets
};

/// The target of one row: a class id, a distribution, or (id < 0 and no labels) nothing.
struct RowTarget {
  int64_t id;
  const void* labels;  // [classes] or null
};

/// The exponentials of a row's first sweep, for its second. Worth keeping where the second is bound by arithmetic: for
/// 16-bit logits, which move half the bytes.
struct KeptRow {
  static constexpr int64_t kMostClasses = 131072;  // half of a usual second-level cache

  float* exponentials = nullptr;              // [classes + two groups], in the order of the level's pairs
  const void* aligned_with = nullptr;         // the gradient whose groups are these, if it is streamed
  double reference[kMostClasses / 4096 + 2];  // per block: exponentials are of z - reference
  int blocks = 0;
};

/// dz = softmax * p for a row, but for the target's element.
struct PlainGradient {
  const void* logits;
  void* gradient;
  int64_t classes;
  double most;
  math::LogSum lse;
  double softmax;
  int64_t target;
  double target_gradient;
  const KeptRow* kept;  // or null: computed again
  bool stream;          // past the caches
  const void* next;     // the row after, or null: read soon, worth fetching
};

struct PlainSweeps {
  // max and sum over the row without `target` (< 0: none); fills `kept` if given
  math::RowStatistics (*statistics)(const void* logits, int64_t classes, int64_t target, KeptRow* kept);
  void (*gradient)(const PlainGradient& arguments);
};

struct GeneralSweeps {
  math::RowStatistics (*statistics)(const void* logits, const GeneralRow& row, const RowTarget& target);
  void (*gradient)(const void* logits, void* gradient, const GeneralRow& row, const RowTarget& target,
                   const math::RowOutcome& outcome);
  double (*element)(const void* logits, const GeneralRow& row, int64_t index);  // as z
};

struct RowSweeps {
  PlainSweeps plain;
  GeneralSweeps general;
  double (*element)(const void* logits, int64_t index);
  int64_t (*argmax)(const void* logits, int64_t classes);
};

struct RowKernels {
  RowSweeps by_dtype[3];  // float32, float16, bfloat16
};

}  // namespace cutloss::cpu
