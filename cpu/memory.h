// Pages of memory that was just allocated. The first touch of a 4 KiB page costs a fault of its own, 0.4 ms per MiB in
// all: as much as computing a gradient. Asking for huge pages and for the range at once costs a tenth.
#pragma once

#include <cstddef>

namespace cutloss::cpu {

/// Advice for a whole fresh allocation; harmless where it is not understood.
void prefer_huge_pages(void* memory, size_t bytes);

/// Makes the pages of a part of it present, without changing what they hold.
void populate(void* memory, size_t bytes);

}  // namespace cutloss::cpu
