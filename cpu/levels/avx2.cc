#include "cpu/simd/avx2.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr RowKernels kRows = row_kernels<Avx2>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Avx2>();
static constexpr RegionKernels kRegions = region_kernels<Avx2>();
const Level kAvx2Level = {"avx2", &kRows, &kCutRows, &kRegions, Avx2::fence};

}  // namespace cutloss::cpu
