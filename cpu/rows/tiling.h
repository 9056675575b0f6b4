// How the rows engine cuts its work, as pure functions. None depends on the number of threads, so neither do results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cpu/rows/row_kernels.h"

namespace cutloss::cpu {

/// Rows per task: enough elements (about 20 microseconds of work) that handing out tasks costs nothing; more where
/// there are plenty, because the last row of a task knows no next one to fetch while its gradient is written.
constexpr int64_t task_rows(int64_t rows, int64_t classes) {
  constexpr int64_t kFewest = 65536, kMost = 8 * kFewest, kPlenty = 512;
  const int64_t elements = std::clamp(rows * classes / kPlenty, kFewest, kMost);
  return std::max<int64_t>(1, elements / std::max<int64_t>(1, classes));
}

/// Whether the gradient is written past the caches: it is, once it would push out everything else.
constexpr bool streams_gradient(size_t bytes) { return bytes >= (size_t{4} << 20); }

/// Whether a row's exponentials are kept between its two sweeps rather than computed again.
constexpr bool keeps_exponentials(int64_t classes, size_t element_size) {
  return element_size == 2 && classes <= KeptRow::kMostClasses;
}

}  // namespace cutloss::cpu
