#include "cpu/simd/neon.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr RowKernels kRows = row_kernels<Neon>();
const Level kNeonLevel = {"neon", &kRows, Neon::fence};

}  // namespace cutloss::cpu
