// Early, late or at random: the schedule decides when a copy lands; the race checker sees it in flight until waited.
#include "cuda/emulated/runtime/cp_async.h"

#include <cstring>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

constexpr size_t kBytes = 16;

void land(ThreadCopy& copy) {
  if (copy.landed) return;
  copy.landed = true;
  const auto bytes = static_cast<size_t>(copy.bytes);
  memcpy(copy.to, copy.from, bytes);
  memset(copy.to + bytes, 0, kBytes - bytes);
}

void land_groups_before(Thread& thread, int group) {
  Block& block = *current_block;
  size_t kept = 0;
  for (ThreadCopy& copy : thread.copies) {
    if (copy.group >= group) {
      thread.copies[kept++] = copy;
      continue;
    }
    land(copy);
    if (block.race) block.race->end_copy(thread, block.shared.offset(copy.to), kBytes);
  }
  thread.copies.resize(kept);
}

}  // namespace

void copy_async(void* to, const void* from, int bytes, Where where) {
  Block& block = *current_block;
  Thread& me = *current_thread;
  block.shared.check(to, kBytes, kBytes, "the destination of cp.async", where);
  if (bytes < 0 || bytes > static_cast<int>(kBytes)) fail("cp.async copies at most 16 bytes", where);
  if (reinterpret_cast<uintptr_t>(from) % kBytes != 0) fail("the source of cp.async is not aligned to 16 bytes", where);
  if (bytes > 0)
    device_memory().check_access(from, static_cast<size_t>(bytes), kBytes, "the source of cp.async", where);
  if (block.race) block.race->begin_copy(me, block.shared.offset(to), kBytes, where);
  me.copies.push_back({static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes, me.copy_group, false});
  if (block.schedule.copy_now()) land(me.copies.back());
}

void commit_copies(Where) { current_thread->copy_group++; }

void wait_copies(int pending, Where) { land_groups_before(*current_thread, current_thread->copy_group - pending); }

void land_all_copies(Thread& thread) { land_groups_before(thread, thread.copy_group + 1); }

}  // namespace cutloss::emulated
