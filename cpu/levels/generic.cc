#include "cpu/levels/make_level.h"

namespace cutloss::cpu {
namespace {

struct Generic : Portable<4> {};

}  // namespace

static constexpr RowKernels kRows = row_kernels<Generic>();
static constexpr CutRowKernels kCutRows = cut_row_kernels<Generic>();
static constexpr RegionKernels kRegions = region_kernels<Generic>();
const Level kGenericLevel = {"generic", &kRows, &kCutRows, &kRegions, Generic::fence};

}  // namespace cutloss::cpu
