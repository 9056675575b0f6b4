// A stable radix sort of floats by size, descending, from the least digit. Elements are cut into chunks: each counts
// its digits, the counts say where every chunk's elements go, and each moves its own. The order is unique, so who does
// which chunk does not matter.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace cutloss::cpu {

struct SortKey {
  uint32_t bits;  // of the float; its sign comes along unsorted
  uint32_t element;

  float value() const { return std::bit_cast<float>(bits); }
};

inline constexpr int64_t kSortChunk = 64 * 1024;

constexpr int64_t sort_chunks(int64_t elements) { return (elements + kSortChunk - 1) / kSortChunk; }

/// Wide digits take fewer passes, narrow ones cost a small sort less.
constexpr int digit_bits(int64_t elements) { return elements < 4096 ? 8 : 11; }

/// uint32s for the counts of every chunk.
constexpr int64_t sort_counts(int64_t elements) { return sort_chunks(elements) << digit_bits(elements); }

/// Calls work(chunk, first, last) for every chunk by for_each(count, task). Returns where the sorted keys are: `keys`
/// or `spare`, each of `elements`.
template <class ForEach>
SortKey* sort_by_size(SortKey* keys, SortKey* spare, uint32_t* counts, int64_t elements, const ForEach& for_each) {
  const int64_t chunks = sort_chunks(elements);
  const int bits = digit_bits(elements);
  const uint32_t digits = uint32_t{1} << bits;
  const auto last_of = [&](int64_t chunk) { return std::min(elements, (chunk + 1) * kSortChunk); };
  for (int shift = 0; shift < 31; shift += bits) {
    const auto digit = [=](const SortKey& key) { return (~key.bits & 0x7fffffff) >> shift & (digits - 1); };
    for_each(chunks, [&](int64_t chunk) {
      uint32_t* own = counts + chunk * digits;
      std::fill_n(own, digits, 0u);
      for (int64_t i = chunk * kSortChunk; i < last_of(chunk); ++i) ++own[digit(keys[i])];
    });
    uint32_t place = 0;
    for (uint32_t d = 0; d < digits; ++d) {
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        uint32_t& count = counts[chunk * digits + d];
        const uint32_t first = place;
        place += count;
        count = first;
      }
    }
    for_each(chunks, [&](int64_t chunk) {
      uint32_t* own = counts + chunk * digits;
      for (int64_t i = chunk * kSortChunk; i < last_of(chunk); ++i) spare[own[digit(keys[i])]++] = keys[i];
    });
    std::swap(keys, spare);
  }
  return keys;
}

}  // namespace cutloss::cpu
