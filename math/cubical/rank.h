// Ranks of voxels straight from their values: a float's bits, turned so that they order as the floats do. Equal values
// have equal ranks (-0 is 0), no value has the rank kNever, and the value comes back from its rank.
#pragma once

#include "math/cubical/grid.h"
#include "math/float16.h"

namespace cutloss::math {

CUTLOSS_HD uint32_t rank_of_value(float value) {
  const uint32_t bits = bits_of(value + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

CUTLOSS_HD float value_of_rank(uint32_t rank) { return float_of(rank & 0x80000000u ? rank & 0x7fffffffu : ~rank); }

}  // namespace cutloss::math
