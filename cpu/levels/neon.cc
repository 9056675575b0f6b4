#include "cpu/simd/neon.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr RowKernels kRows = row_kernels<Neon>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Neon>();
static constexpr RegionKernels kRegions = region_kernels<Neon>();
const Level kNeonLevel = {"neon", &kRows, &kCutRows, &kRegions, Neon::fence};

}  // namespace cutloss::cpu
