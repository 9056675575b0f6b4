#include "cpu/simd/avx512bf16.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr RowKernels kRows = row_kernels<Avx512Bf16>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Avx512Bf16>();
static constexpr RegionKernels kRegions = region_kernels<Avx512Bf16>();
const Level kAvx512Bf16Level = {"avx512bf16", &kRows, &kCutRows, &kRegions, Avx512Bf16::fence};

}  // namespace cutloss::cpu
