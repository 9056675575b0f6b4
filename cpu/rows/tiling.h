// How the rows engine cuts its work, as pure functions. None depends on the number of threads, so neither do results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cpu/rows/row_kernels.h"

namespace cutloss::cpu {

/// Rows per task: enough elements (about 20 microseconds of work) that handing out tasks costs nothing.
constexpr int64_t task_rows(int64_t classes) { return std::max<int64_t>(1, 65536 / std::max<int64_t>(1, classes)); }

/// Whether the gradient is written past the caches: it is, once it would push out everything else.
constexpr bool streams_gradient(size_t bytes) { return bytes >= (size_t{4} << 20); }

/// Whether a row's exponentials are kept between its two sweeps rather than computed again.
constexpr bool keeps_exponentials(int64_t classes, size_t element_size) {
  return element_size == 2 && classes <= KeptRow::kMostClasses;
}

}  // namespace cutloss::cpu
