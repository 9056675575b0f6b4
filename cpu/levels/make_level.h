// Every kernel, instantiated for one level. Included by that level's translation unit only.
#pragma once

#include "cpu/levels/levels.h"
#include "cpu/rows/general_sweeps.h"
#include "cpu/rows/plain_sweeps.h"
#include "cpu/rows/scalar_access.h"

namespace cutloss::cpu {

template <class V, class T>
constexpr RowSweeps row_sweeps() {
  using Plain = PlainRow<V, T>;
  using General = GeneralRowSweep<V, T>;
  using Access = ScalarAccess<V, T>;
  return {{Plain::statistics, Plain::gradient},
          {General::statistics, General::gradient},
          Access::element,
          Access::set_element,
          Access::argmax};
}

template <class V>
constexpr RowKernels row_kernels() {
  return {{row_sweeps<V, float>(), row_sweeps<V, Half>(), row_sweeps<V, BFloat16>()}};
}

}  // namespace cutloss::cpu
