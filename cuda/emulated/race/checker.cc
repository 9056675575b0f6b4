// The race checker: two accesses to a byte of shared memory, one of them a write, with nothing between them that
// makes one come after the other. It reports the first race and ends the process.
#include "cuda/emulated/race/checker.h"

#include <map>

#include "cuda/emulated/race/clocks.h"
#include "cuda/emulated/race/shadow.h"
#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

const char* name(Access kind) {
  switch (kind) {
    case Access::kRead: return "read";
    case Access::kWrite: return "write";
    case Access::kAtomic: return "atomic access";
  }
  return "access";
}

class Checker final : public RaceLog {
 public:
  void start_block(int threads, size_t shared_bytes) override {
    if (clocks_.nearly_exhausted()) {
      clocks_ = {};
      shadow_ = {};
    }
    clocks_.start_block(threads);
    shadow_.start_block(shared_bytes, (threads + 31) / 32);
    mbarriers_.clear();
    fences_.assign(static_cast<size_t>(threads), Fence{});
  }

  void access(const Thread& thread, size_t offset, size_t bytes, Access kind, Site site) override {
    check(thread, offset, bytes, kind, name(kind), site);
    mark(thread, offset, bytes, kind, clocks_.now(thread.id), site, kind == Access::kWrite);
  }

  void barrier(std::span<Thread* const> arrived, std::span<Thread* const> waited) override {
    clocks_.barrier(ids(arrived, arrived_), ids(waited, waited_));
  }

  void begin_copy(const Thread& thread, size_t offset, size_t bytes, Site site) override {
    check(thread, offset, bytes, Access::kWrite, "cp.async", site);
    mark(thread, offset, bytes, Access::kWrite, kInFlight, site, false);
  }

  void end_copy(const Thread& thread, size_t offset, size_t bytes) override {
    shadow_.finish_writes(offset, bytes, actor(thread), clocks_.now(thread.id));
  }

  void mbarrier_arrive(const Thread& thread, size_t mbarrier) override {
    merge(mbarriers_[mbarrier].arriving, clocks_.known_to(thread.id));
    clocks_.advance(thread.id);
  }

  void mbarrier_complete(size_t mbarrier) override {
    Published& published = mbarriers_[mbarrier];
    merge(published.complete, published.arriving);
    published.arriving.clear();
  }

  void mbarrier_acquire(const Thread& thread, size_t mbarrier) override {
    clocks_.learn(thread.id, mbarriers_[mbarrier].complete);
  }

  void begin_load(const Thread& thread, size_t mbarrier, size_t offset, size_t bytes, Site site) override {
    check(thread, offset, bytes, Access::kWrite, "TMA load", site);
    shadow_.mark(clocks_, offset, bytes, Access::kWrite, {kInFlight, clocks_.copy_engine(mbarrier), false, site});
  }

  void end_load(size_t mbarrier, size_t offset, size_t bytes) override {
    const Actor engine = clocks_.copy_engine(mbarrier);
    const Clock clock = clocks_.tick();
    shadow_.finish_writes(offset, bytes, engine, clock);
    ClockVector landed(static_cast<size_t>(engine) + 1, 0);
    landed[engine] = clock;
    merge(mbarriers_[mbarrier].arriving, landed);
  }

  void begin_store(const Thread& thread, size_t offset, size_t bytes, Site site) override {
    check(thread, offset, bytes, Access::kRead, "TMA store", site);
    check_fenced(thread, offset, bytes, "TMA store", site);
    mark(thread, offset, bytes, Access::kRead, kInFlight, site, false);
  }

  void end_store(const Thread& thread, size_t offset, size_t bytes) override {
    shadow_.finish_reads(offset, bytes, actor(thread), clocks_.now(thread.id));
  }

  void begin_wgmma_read(const Thread& thread, size_t offset, Site site) override {
    check(thread, offset, 16, Access::kRead, "wgmma", site);
    check_fenced(thread, offset, 16, "wgmma", site);
    shadow_.begin_wgmma_read(offset, thread.warp, site);
  }

  void end_wgmma_read(const Thread& thread, size_t offset) override {
    shadow_.end_wgmma_read(offset, thread.warp, clocks_.tick());
  }

  void end_wgmma_group(std::span<Thread* const> warp) override {
    const Clock clock = clocks_.tick();
    for (const Thread* thread : warp) clocks_.learn(thread->id, clocks_.tensor_core(thread->warp), clock);
  }

  void fence_proxy(const Thread& thread) override {
    fences_[static_cast<size_t>(thread.id)] = {clocks_.floor(), clocks_.known_to(thread.id)};
    clocks_.advance(thread.id);
  }

 private:
  // What the mbarrier's current phase has gathered, and what its completed phases have published.
  struct Published {
    ClockVector arriving, complete;
  };

  // What a thread knew at its last proxy fence.
  struct Fence {
    Clock floor = 0;
    ClockVector known;
    bool covers(const Stamp& write) const {
      return write.clock <= floor || (write.actor < known.size() && known[write.actor] >= write.clock);
    }
  };

  static Actor actor(const Thread& thread) { return static_cast<Actor>(thread.id); }

  static std::span<const int> ids(std::span<Thread* const> threads, std::vector<int>& into) {
    into.clear();
    for (const Thread* thread : threads) into.push_back(thread->id);
    return into;
  }

  void mark(const Thread& thread, size_t offset, size_t bytes, Access kind, Clock clock, Site site, bool plain) {
    shadow_.mark(clocks_, offset, bytes, kind, {clock, actor(thread), plain, site});
  }

  void check(const Thread& thread, size_t offset, size_t bytes, Access kind, const char* what, Site site) const {
    const std::optional<Conflict> conflict = shadow_.check(clocks_, thread.id, offset, bytes, kind);
    if (!conflict) return;
    const size_t at = conflict->offset % current_block->shared.stride();
    fail("data race on byte " + std::to_string(at) + " of shared memory",
         "  " + std::string(what) + " by " + emulated::describe(thread) + "\n    at " + site.text() +
             "\n  after it was " + conflict->what + " by " + describe(conflict->before) + "\n    at " +
             conflict->before.site.text() + "\n");
  }

  // Ordinary stores reach the copy engine and wgmma only through a fence, of the storing or of the issuing thread.
  void check_fenced(const Thread& thread, size_t offset, size_t bytes, const char* what, Site site) const {
    for (size_t i = offset; i < offset + bytes; i++) {
      const Stamp& write = shadow_.last_write(i);
      if (!write.plain || !clocks_.is_current_block(write.clock)) continue;
      if (fences_[write.actor].covers(write) || fences_[static_cast<size_t>(thread.id)].covers(write)) continue;
      fail("missing fence.proxy.async for byte " + std::to_string(i % current_block->shared.stride()) +
               " of shared memory",
           "  read by " + std::string(what) + " of " + emulated::describe(thread) + "\n    at " + site.text() +
               "\n  after an ordinary store by " + describe(write) + "\n    at " + write.site.text() + "\n");
    }
  }

  std::string describe(const Stamp& stamp) const {
    const std::string in_flight = stamp.clock == kInFlight ? ", which has not been waited for" : "";
    if (clocks_.is_thread(stamp.actor)) return emulated::describe(current_block->threads[stamp.actor]) + in_flight;
    if (clocks_.is_tensor_core(stamp.actor))
      return "a wgmma of warp " + std::to_string(stamp.actor - clocks_.threads()) + in_flight;
    return "a TMA load on the mbarrier at offset " +
           std::to_string(clocks_.mbarrier_of(stamp.actor) % current_block->shared.stride()) + in_flight;
  }

  Clocks clocks_;
  Shadow shadow_;
  std::map<size_t, Published> mbarriers_;
  std::vector<Fence> fences_;
  std::vector<int> arrived_, waited_;
};

}  // namespace

std::unique_ptr<RaceLog> make_checker() { return std::make_unique<Checker>(); }

}  // namespace cutloss::emulated
