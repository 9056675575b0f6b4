// The swizzles of shared memory: within a pattern of 8 rows, 16-byte pieces change places so that a column of pieces
// touches all banks. They are functions of the address, not of the tile.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cutloss::emulated {

// `bits` address bits from bit 4 are exchanged with those from bit 7: 1, 2 or 3 for spans of 32, 64 or 128 bytes.
inline uintptr_t swizzle(uintptr_t address, int bits) {
  const uintptr_t mask = (uintptr_t{1} << bits) - 1;
  return address ^ (address >> 7 & mask) << 4;
}

// The bytes after which the pattern repeats, to which a tile must be aligned.
inline size_t swizzle_alignment(int bits) { return size_t{128} << bits; }

}  // namespace cutloss::emulated
