// Checking and marking, byte by byte.
#include "cuda/emulated/race/shadow.h"

#include <algorithm>

namespace cutloss::emulated {
namespace {

template <size_t N>
const Stamp* first_unknown(const Clocks& clocks, int thread, const Stamp (&stamps)[N]) {
  for (const Stamp& stamp : stamps)
    if (stamp.clock != 0 && !clocks.knows(thread, stamp.actor, stamp.clock)) return &stamp;
  return nullptr;
}

// Puts a stamp into the slot that is the least loss: the actor's own, one that is over for it, one of its warp.
template <size_t N>
void keep(const Clocks& clocks, Stamp (&stamps)[N], const Stamp& stamp) {
  Stamp* slot = nullptr;
  for (Stamp& old : stamps) {
    if (old.clock == kInFlight) continue;
    if (old.clock == 0 || old.actor == stamp.actor ||
        (clocks.is_thread(stamp.actor) && clocks.knows(stamp.actor, old.actor, old.clock))) {
      slot = &old;
      break;
    }
    if (!slot || old.actor / 32 == stamp.actor / 32) slot = &old;
  }
  if (slot) *slot = stamp;
}

}  // namespace

void Shadow::start_block(size_t bytes, int warps) {
  warps_ = static_cast<size_t>(warps);
  const size_t pieces = (bytes + kPiece - 1) / kPiece;
  if (in_flight_ != 0 || cells_.size() != bytes) {
    cells_.assign(bytes, Cell{});
    in_flight_ = 0;
  }
  has_wgmma_reads_.assign(pieces, 0);
}

std::optional<Conflict> Shadow::check(const Clocks& clocks, int thread, size_t offset, size_t bytes,
                                      Access kind) const {
  for (size_t i = offset; i < offset + bytes; i++) {
    const Cell& cell = cells_[i];
    if (cell.write.clock != 0 && !clocks.knows(thread, cell.write.actor, cell.write.clock))
      return Conflict{i, cell.write, "written"};
    if (kind != Access::kAtomic)
      if (const Stamp* stamp = first_unknown(clocks, thread, cell.atomics))
        return Conflict{i, *stamp, "accessed atomically"};
    if (kind == Access::kRead) continue;
    if (const Stamp* stamp = first_unknown(clocks, thread, cell.reads)) return Conflict{i, *stamp, "read"};
    if (const auto wgmma = unknown_wgmma(clocks, thread, i / kPiece)) return Conflict{i, *wgmma, "read"};
  }
  return std::nullopt;
}

void Shadow::mark(const Clocks& clocks, size_t offset, size_t bytes, Access kind, const Stamp& stamp) {
  if (stamp.clock == kInFlight) in_flight_ += static_cast<int>(bytes);
  for (size_t i = offset; i < offset + bytes; i++) {
    Cell& cell = cells_[i];
    switch (kind) {
      case Access::kRead: keep(clocks, cell.reads, stamp); break;
      case Access::kAtomic: keep(clocks, cell.atomics, stamp); break;
      case Access::kWrite: cell.write = stamp; break;
    }
  }
}

void Shadow::finish_writes(size_t offset, size_t bytes, Actor actor, Clock clock) {
  in_flight_ -= static_cast<int>(bytes);
  for (size_t i = offset; i < offset + bytes; i++) {
    Stamp& write = cells_[i].write;
    if (write.clock == kInFlight && write.actor == actor) write.clock = clock;
  }
}

void Shadow::finish_reads(size_t offset, size_t bytes, Actor actor, Clock clock) {
  in_flight_ -= static_cast<int>(bytes);
  for (size_t i = offset; i < offset + bytes; i++)
    for (Stamp& read : cells_[i].reads)
      if (read.clock == kInFlight && read.actor == actor) {
        read.clock = clock;
        break;
      }
}

void Shadow::begin_wgmma_read(size_t offset, int warp, Site site) {
  const size_t piece = offset / kPiece;
  if (wgmma_reads_.size() < has_wgmma_reads_.size() * warps_) wgmma_reads_.resize(has_wgmma_reads_.size() * warps_);
  if (!has_wgmma_reads_[piece])
    std::fill_n(wgmma_reads_.begin() + static_cast<ptrdiff_t>(piece * warps_), warps_, WgmmaRead{});
  has_wgmma_reads_[piece] = 1;
  WgmmaRead& read = wgmma_reads_[piece * warps_ + static_cast<size_t>(warp)];
  read.in_flight++;
  read.site = site;
}

void Shadow::end_wgmma_read(size_t offset, int warp, Clock clock) {
  WgmmaRead& read = wgmma_reads_[offset / kPiece * warps_ + static_cast<size_t>(warp)];
  read.in_flight--;
  read.clock = clock;
}

std::optional<Stamp> Shadow::unknown_wgmma(const Clocks& clocks, int thread, size_t piece) const {
  if (!has_wgmma_reads_[piece]) return std::nullopt;
  for (size_t warp = 0; warp < warps_; warp++) {
    const WgmmaRead& read = wgmma_reads_[piece * warps_ + warp];
    const Actor actor = clocks.tensor_core(static_cast<int>(warp));
    const Clock clock = read.in_flight != 0 ? kInFlight : read.clock;
    if (clock != 0 && !clocks.knows(thread, actor, clock)) return Stamp{clock, actor, false, read.site};
  }
  return std::nullopt;
}

}  // namespace cutloss::emulated
