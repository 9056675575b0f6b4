#include "cpu/simd/avx512bf16.h"

#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

constexpr RowKernels kAvx512Bf16Rows = row_kernels<Avx512Bf16>();
constexpr RegionKernels kAvx512Bf16Regions = region_kernels<Avx512Bf16>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Avx512Bf16>();
const Level kAvx512Bf16Level = {"avx512bf16", &kAvx512Bf16Rows, &kCutRows, &kAvx512Bf16Regions, Avx512Bf16::fence};

}  // namespace cutloss::cpu
