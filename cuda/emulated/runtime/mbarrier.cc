// The eight bytes hold phase, arrivals still missing, arrivals of a whole phase, and bytes still missing (which may
// be negative for a while: a copy may land before its bytes are announced).
#include "cuda/emulated/runtime/mbarrier.h"

#include <cstring>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

constexpr int64_t kNoBytes = 1 << 21;
constexpr uint32_t kMaxCount = (1 << 20) - 1;
constexpr uint64_t kUnwritten = ~uint64_t{0};

struct State {
  uint64_t phase : 1;
  uint64_t missing : 20;
  uint64_t count : 20;
  uint64_t bytes : 23;  // kNoBytes = none missing
};
static_assert(sizeof(State) == 8);

State load(const uint64_t* mbarrier) {
  State state;
  memcpy(&state, mbarrier, 8);
  return state;
}

void store(uint64_t* mbarrier, State state) { memcpy(mbarrier, &state, 8); }

// Bounds, alignment, initialisation; and for the race checker an access that must come after the initialisation.
State checked(uint64_t* mbarrier, const char* what, Where where) {
  Block& block = *current_block;
  block.shared.check(mbarrier, 8, 8, "an mbarrier", where);
  if (*mbarrier == kUnwritten || *mbarrier == 0)
    fail(std::string(what) + " an mbarrier that was not initialised", where);
  if (block.race) block.race->access(*current_thread, block.shared.offset(mbarrier), 8, Access::kAtomic, where);
  return load(mbarrier);
}

void complete_if_done(Block& block, uint64_t* mbarrier, State state) {
  if (state.missing == 0 && state.bytes == kNoBytes) {
    state.phase ^= 1;
    state.missing = state.count;
    if (block.race) block.race->mbarrier_complete(block.shared.offset(mbarrier));
    store(mbarrier, state);
    for (Thread& thread : block.threads)
      if (thread.state == Thread::State::kWaiting && thread.operands == mbarrier) block.wake(thread);
    return;
  }
  store(mbarrier, state);
}

State with_bytes(State state, int64_t change, Where where) {
  const int64_t bytes = static_cast<int64_t>(state.bytes) + change;
  if (bytes < 0 || bytes >= 2 * kNoBytes) fail("the byte count of an mbarrier overflows", where);
  state.bytes = static_cast<uint64_t>(bytes);
  return state;
}

}  // namespace

void mbarrier_init(uint64_t* mbarrier, uint32_t count, Where where) {
  Block& block = *current_block;
  block.shared.check(mbarrier, 8, 8, "an mbarrier", where);
  if (count < 1 || count > kMaxCount) fail("an mbarrier needs a count from 1 to 2^20 - 1", where);
  if (block.race) block.race->access(*current_thread, block.shared.offset(mbarrier), 8, Access::kWrite, where);
  store(mbarrier, State{0, count, count, static_cast<uint64_t>(kNoBytes)});
  block.shared.note_mbarrier(mbarrier);
}

void mbarrier_invalidate(uint64_t* mbarrier, Where where) {
  const State state = checked(mbarrier, "invalidating", where);
  if (state.bytes != kNoBytes) fail("an mbarrier is invalidated while it waits for bytes", where);
  current_block->shared.forget_mbarrier(mbarrier);
  *mbarrier = kUnwritten;
}

void mbarrier_arrive(uint64_t* mbarrier, uint32_t count, uint32_t expected_bytes, Where where) {
  Block& block = *current_block;
  State state = checked(mbarrier, "an arrival at", where);
  if (state.missing < count)
    fail("more arrivals at an mbarrier than a phase has", where,
         "  the count is " + std::to_string(state.count) + "; bytes of the phase are still missing\n");
  if (block.race) block.race->mbarrier_arrive(*current_thread, block.shared.offset(mbarrier));
  state = with_bytes(state, expected_bytes, where);
  state.missing -= count;
  complete_if_done(block, mbarrier, state);
}

void mbarrier_expect_bytes(uint64_t* mbarrier, uint32_t bytes, Where where) {
  complete_if_done(*current_block, mbarrier, with_bytes(checked(mbarrier, "expecting bytes at", where), bytes, where));
}

bool mbarrier_try_wait(uint64_t* mbarrier, uint32_t parity, Where where) {
  Block& block = *current_block;
  const State state = checked(mbarrier, "a wait for", where);
  if (state.phase == (parity & 1)) {
    block.yield(where);
    return false;
  }
  if (block.race) block.race->mbarrier_acquire(*current_thread, block.shared.offset(mbarrier));
  return true;
}

void mbarrier_wait(uint64_t* mbarrier, uint32_t parity, Where where) {
  Block& block = *current_block;
  while (checked(mbarrier, "a wait for", where).phase == (parity & 1)) {
    current_thread->operands = mbarrier;
    block.wait("an mbarrier", where);
    current_thread->operands = nullptr;
  }
  if (block.race) block.race->mbarrier_acquire(*current_thread, block.shared.offset(mbarrier));
}

void mbarrier_check(uint64_t* mbarrier, Where where) { checked(mbarrier, "a TMA load on", where); }

void mbarrier_complete_bytes(Block& block, uint64_t* mbarrier, uint32_t bytes, Where where) {
  complete_if_done(block, mbarrier, with_bytes(load(mbarrier), -static_cast<int64_t>(bytes), where));
}

uint64_t* mbarrier_of_block(uint64_t* mbarrier, uint32_t rank, Where where) {
  Block& block = *current_block;
  const int blocks = block.size() / block.threads_per_block();
  if (rank >= static_cast<uint32_t>(blocks)) fail("a block rank outside the cluster", where);
  if (block.has_exited(static_cast<int>(rank)))
    fail("a block of the cluster has exited while another still uses its shared memory", where,
         "  block " + std::to_string(rank) + " of the cluster\n");
  const ptrdiff_t offset = reinterpret_cast<std::byte*>(mbarrier) - shared_begin();
  return reinterpret_cast<uint64_t*>(block.shared.begin(static_cast<int>(rank)) + offset);
}

void check_mbarrier_at_exit(uint64_t bits, size_t offset) {
  const State state = load(&bits);
  const int64_t bytes = static_cast<int64_t>(state.bytes) - kNoBytes;
  if (bytes == 0) return;
  fail("an mbarrier is left with a byte count when its block ends: expected and arriving bytes differ",
       "  at offset " + std::to_string(offset) + ": " + std::to_string(bytes < 0 ? -bytes : bytes) +
           (bytes < 0 ? " bytes more than expected have arrived\n" : " expected bytes have not arrived\n"));
}

}  // namespace cutloss::emulated
