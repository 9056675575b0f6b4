// What was last done to every byte of shared memory. A byte remembers its last write, the last atomic accesses and
// a few readers; of several readers it keeps those of different warps, which miss different barriers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cuda/emulated/race/clocks.h"
#include "cuda/emulated/runtime/race_log.h"

namespace cutloss::emulated {

struct Stamp {
  Clock clock = 0;  // 0: never
  Actor actor = 0;
  bool plain = false;  // an ordinary store, which copy engines see only after a proxy fence
  Site site;
};

// Something done before that the thread does not know to be over.
struct Conflict {
  size_t offset;
  Stamp before;
  const char* what;
};

class Shadow {
 public:
  // Forgets everything, unless what it remembers is from blocks that have ended.
  void start_block(size_t bytes, int warps);

  std::optional<Conflict> check(const Clocks& clocks, int thread, size_t offset, size_t bytes, Access kind) const;

  void mark(const Clocks& clocks, size_t offset, size_t bytes, Access kind, const Stamp& stamp);

  // Replaces "in flight" by a moment in the writes, or reads, of an actor.
  void finish_writes(size_t offset, size_t bytes, Actor actor, Clock clock);
  void finish_reads(size_t offset, size_t bytes, Actor actor, Clock clock);

  // 16-byte pieces that the tensor core of a warp reads.
  void begin_wgmma_read(size_t offset, int warp, Site site);
  void end_wgmma_read(size_t offset, int warp, Clock clock);

  const Stamp& last_write(size_t offset) const { return cells_[offset].write; }

 private:
  static constexpr size_t kPiece = 16;

  struct Cell {
    Stamp write;
    Stamp atomics[2];
    Stamp reads[4];
  };
  struct WgmmaRead {
    Clock clock = 0;
    uint16_t in_flight = 0;
    Site site;
  };

  std::optional<Stamp> unknown_wgmma(const Clocks& clocks, int thread, size_t piece) const;

  std::vector<Cell> cells_;
  std::vector<WgmmaRead> wgmma_reads_;  // [piece][warp]
  std::vector<uint8_t> has_wgmma_reads_;
  size_t warps_ = 0;
  int in_flight_ = 0;
};

}  // namespace cutloss::emulated
