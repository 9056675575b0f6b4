// The order of classes in which those with large logits are neighbours, so that the filter finds whole tiles to leave
// out: by the logit of the mean of all rows, largest first.
#pragma once

#include "cpu/cut_rows/cut_call.h"

namespace cutloss::cpu {

/// Fills order, place_of and places; reads ids, and what is added to each class's logit from keys.
void sort_classes(CutCall& call);

}  // namespace cutloss::cpu
