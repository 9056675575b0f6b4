#include "cpu/simd/avx512.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr RowKernels kRows = row_kernels<Avx512>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Avx512>();
static constexpr RegionKernels kRegions = region_kernels<Avx512>();
const Level kAvx512Level = {"avx512", &kRows, &kCutRows, &kRegions, Avx512::fence};

}  // namespace cutloss::cpu
