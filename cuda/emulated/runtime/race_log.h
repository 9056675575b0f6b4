// What the runtime tells the race checker. A build without the checker leaves `make_race_log` null, and the
// calls out. Offsets count from the beginning of the shared memory of the block (of its first block, in a cluster).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "cuda/emulated/runtime/where.h"

namespace cutloss::emulated {

struct Thread;

enum class Access : uint8_t { kRead, kWrite, kAtomic };

// Where an access was made: a place in the source (from a wrapper) or in machine code (from a compiler hook).
class Site {
 public:
  Site() = default;
  Site(Where where);
  explicit Site(const void* code) : bits_(reinterpret_cast<uintptr_t>(code)) {}
  std::string text() const;

 private:
  static constexpr uintptr_t kIsWhere = uintptr_t{1} << 63;
  uintptr_t bits_ = 0;
};

class RaceLog {
 public:
  static constexpr size_t kClusterBarrier = SIZE_MAX;

  virtual ~RaceLog() = default;
  virtual void start_block(int threads, size_t shared_bytes) = 0;

  // An access that is over when this returns.
  virtual void access(const Thread& thread, size_t offset, size_t bytes, Access kind, Site site) = 0;

  // A barrier: what those who arrived did before is over for those who waited.
  virtual void barrier(std::span<Thread* const> arrived, std::span<Thread* const> waited) = 0;

  // cp.async: written by a thread at some time between these two.
  virtual void begin_copy(const Thread& thread, size_t offset, size_t bytes, Site site) = 0;
  virtual void end_copy(const Thread& thread, size_t offset, size_t bytes) = 0;

  // mbarriers, named by their offset (and the cluster barrier, named kClusterBarrier). Arriving publishes what the
  // thread did; a thread that saw the phase complete knows what was published in it.
  virtual void mbarrier_arrive(const Thread& thread, size_t mbarrier) = 0;
  virtual void mbarrier_complete(size_t mbarrier) = 0;
  virtual void mbarrier_acquire(const Thread& thread, size_t mbarrier) = 0;

  // A TMA load: written by the copy engine, published through an mbarrier.
  virtual void begin_load(const Thread& thread, size_t mbarrier, size_t offset, size_t bytes, Site site) = 0;
  virtual void end_load(size_t mbarrier, size_t offset, size_t bytes) = 0;

  // A TMA store: shared memory is read by the copy engine until its thread has waited.
  virtual void begin_store(const Thread& thread, size_t offset, size_t bytes, Site site) = 0;
  virtual void end_store(const Thread& thread, size_t offset, size_t bytes) = 0;

  // A wgmma: 16-byte pieces are read by a warp's tensor core until the warp has waited.
  virtual void begin_wgmma_read(const Thread& thread, size_t offset, Site site) = 0;
  virtual void end_wgmma_read(const Thread& thread, size_t offset) = 0;
  virtual void end_wgmma_group(std::span<Thread* const> warp) = 0;

  // fence.proxy.async: what the thread wrote before may now be read by the copy engine and by wgmma.
  virtual void fence_proxy(const Thread& thread) = 0;
};

using RaceLogFactory = std::unique_ptr<RaceLog> (*)();
inline constinit RaceLogFactory make_race_log = nullptr;

}  // namespace cutloss::emulated
