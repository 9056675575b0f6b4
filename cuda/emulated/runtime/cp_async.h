// cp.async: copies of 16 bytes from global to shared memory that land at some time between issue and wait.
#pragma once
#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

struct Thread;

// Copies `bytes` (at most 16) and fills the 16 up with zeros. Nothing is read when bytes is 0.
void copy_async(void* to, const void* from, int bytes, Where where);
void commit_copies(Where where);

// Waits until all but the last `pending` groups have landed.
void wait_copies(int pending, Where where);

void land_all_copies(Thread& thread);

}  // namespace cutloss::emulated
