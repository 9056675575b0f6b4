// The list of row objectives: functions of the target's probability alone. Adding one is a header in objectives/ and a
// line here; the engines, the binding and the validation of options read the list.
#pragma once

#include "math/rows/objectives/comp_sum.h"
#include "math/rows/objectives/cross_entropy.h"
#include "math/rows/objectives/encouraging.h"
#include "math/rows/objectives/focal.h"
#include "math/rows/objectives/generalized.h"
#include "math/rows/objectives/mean_absolute.h"
#include "math/rows/objectives/poly1.h"
#include "math/rows/objectives/symmetric.h"

#define CUTLOSS_ROW_OBJECTIVES(list)                                                                            \
  list(CrossEntropy) list(Focal) list(Poly1) list(Generalized) list(CompSum) list(MeanAbsolute) list(Symmetric) \
      list(Encouraging)

namespace cutloss::math {

struct ObjectiveInfo {
  const char* name;
  const ObjectiveParameter* parameters;  // two
};

#define CUTLOSS_INFO(Objective) {Objective::kName, Objective::kParameters},
inline constexpr ObjectiveInfo kRowObjectives[] = {CUTLOSS_ROW_OBJECTIVES(CUTLOSS_INFO)};
#undef CUTLOSS_INFO

inline constexpr int kRowObjectiveCount = sizeof kRowObjectives / sizeof *kRowObjectives;
inline constexpr int kGivenObjective = kRowObjectiveCount;  // value and weight come with the request, row by row

/// Which objective, and its two parameters.
struct RowObjective {
  int kind;
  double first, second;
};

CUTLOSS_HD ObjectiveTerms evaluate(const RowObjective& objective, const TargetProbability& target) {
  int kind = 0;
#define CUTLOSS_EVALUATE(Objective) \
  if (objective.kind == kind++) return Objective::at(target, objective.first, objective.second);
  CUTLOSS_ROW_OBJECTIVES(CUTLOSS_EVALUATE)
#undef CUTLOSS_EVALUATE
  return {0, 0};
}

}  // namespace cutloss::math
