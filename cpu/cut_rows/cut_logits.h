// The logits of a chunk, block of classes by block, and what they leave behind.
#pragma once

#include "cpu/cut_rows/cut_call.h"

namespace cutloss::cpu {

/// What a block's logits are for: to be kept, to be measured, or both. Where the plan says so, what is measured leaves
/// shares.
struct LogitsWanted {
  float* keep;   // [kept classes][stride]
  int64_t kept;  // of the classes, how many from the first
  int64_t stride;
  bool measure;
  bool only_live;  // what the filter cannot keep becomes -inf without being computed
};

class CutLogits {
 public:
  explicit CutLogits(CutCall& call) : c_(call) {}

  /// Packs `rows`, then computes their logits of `classes`; the statistics need all of them.
  void compute(Range rows, Range classes, const LogitsWanted& wanted);

  /// After a measuring pass over `rows`: their losses, outputs, and factors of the gradient; which tiles are live.
  void finish(Range rows);

 private:
  void block(Range rows, Range classes, Range block, const LogitsWanted& wanted, const RowPartials& partials,
             float* scratch);
  RowPartials partials(int64_t span) const;
  math::RowStatistics meet(int64_t row, int64_t* argmax) const;
  void finish_row(int64_t row, int64_t at);
  float cut_of(const math::RowOutcome& outcome, int64_t row) const;
  void mark_live(Range rows, Range panel);

  /// Whether the classifier is multiplied where it lies.
  bool in_place() const {
    return (c_.r.hidden.dtype == DType::kFloat32 || c_.k.groups.pairs) && c_.r.dim % c_.k.groups.terms() == 0;
  }

  CutCall& c_;
};

}  // namespace cutloss::cpu
