#include "cpu/simd/amx.h"

#include "cpu/cut_rows/square_product.h"
#include "cpu/levels/make_level.h"

namespace cutloss::cpu {

static constexpr CutRowKernels kCutRows = cut_row_kernels<Amx>();
const Level kAmxLevel = {"amx", &kAvx512Bf16Rows, &kCutRows, &kAvx512Bf16Regions, Amx::fence, "avx512bf16"};

}  // namespace cutloss::cpu
