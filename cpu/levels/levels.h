// The SIMD levels: each is one translation unit compiled for its instructions, and a table of what it computes. The
// level is chosen once from what the processor says, or forced by name (CUTLOSS_SIMD).
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/regions/region_kernels.h"
#include "cpu/rows/row_kernels.h"

namespace cutloss::cpu {

struct Level {
  const char* name;
  const RowKernels* rows;
  const CutRowKernels* cut_rows;
  const RegionKernels* regions;
  void (*fence)();             // after streaming stores, before anybody else reads them
  const char* vectors = name;  // the instructions of all that is no product
};

extern const Level kAmxLevel, kAvx512Bf16Level, kAvx512Level, kAvx2Level, kNeonLevel, kGenericLevel;

// Which the level above has as well.
extern const RowKernels kAvx512Bf16Rows;
extern const RegionKernels kAvx512Bf16Regions;

/// The level in use.
const Level& level();

}  // namespace cutloss::cpu
