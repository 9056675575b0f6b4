// Walking a row of logits: 16 bytes at a time where its memory allows, element by element at its ragged ends. The same
// thread meets the same elements in every walk over a row.
#pragma once

#include "cuda/rows/team.h"
#include "cuda/vectors.h"

namespace cutloss::cuda {

/// A row's elements before its 16-byte vectors, and how many vectors there are.
struct RowParts {
  int64_t head;
  int64_t vectors;
};

/// Short rows are walked by element: neighbouring threads then read neighbouring elements.
template <class T>
__device__ __forceinline__ RowParts parts_of(const T* row, int64_t count, const Team& team) {
  if (count < int64_t{team.size()} * kPerVector<T>) return {count, 0};
  const int64_t head = (16 - reinterpret_cast<uintptr_t>(row) % 16) % 16 / sizeof(T);
  return {head, (count - head) / kPerVector<T>};
}

/// Element j, if it is one of the values from `at` on.
template <int kCount>
__device__ __forceinline__ void replace_element(float (&values)[kCount], int64_t at, int64_t j, float value) {
  if (static_cast<uint64_t>(j - at) >= kCount) return;
#pragma unroll
  for (int k = 0; k < kCount; ++k) values[k] = k == static_cast<int>(j - at) ? value : values[k];
}

/// visit(values, at): an array of logits and the index of its first.
template <class T, class Visit>
__device__ __forceinline__ void read_elements(const T* row, int64_t begin, int64_t end, const Team& team,
                                              const Visit& visit) {
  for (int64_t at = begin + team.rank(); at < end; at += team.size()) {
    float value[1] = {math::widen(row[at])};
    visit(value, at);
  }
}

template <class T, class Visit>
__device__ __forceinline__ void read_row(const T* row, int64_t count, const Team& team, const Visit& visit) {
  constexpr int kInFlight = 4;
  const RowParts parts = parts_of(row, count, team);
  read_elements(row, 0, parts.head, team, visit);
  const uint4* vectors = reinterpret_cast<const uint4*>(row + parts.head);
  for (int64_t i = team.rank(); i < parts.vectors; i += kInFlight * team.size()) {
    uint4 raw[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t at = i + u * team.size();
      raw[u] = *(vectors + (at < parts.vectors ? at : i));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t at = i + u * team.size();
      if (at >= parts.vectors) break;
      float values[kPerVector<T>];
      widen_vector<T>(raw[u], values);
      visit(values, parts.head + at * kPerVector<T>);
    }
  }
  read_elements(row, parts.head + parts.vectors * kPerVector<T>, count, team, visit);
}

/// change(values, at) turns logits into gradients in place. `to` may be `row` itself.
template <class T, class Change>
__device__ __forceinline__ void write_elements(const T* row, T* to, int64_t begin, int64_t end, const Team& team,
                                               const Change& change) {
  for (int64_t at = begin + team.rank(); at < end; at += team.size()) {
    float value[1] = {math::widen(row[at])};
    change(value, at);
    math::narrow(value[0], to + at);
  }
}

template <class T, class Change>
__device__ __forceinline__ void write_row(const T* row, T* to, int64_t count, const Team& team, const Change& change) {
  constexpr int kInFlight = 4;
  const bool alike = (reinterpret_cast<uintptr_t>(row) - reinterpret_cast<uintptr_t>(to)) % 16 == 0;
  const RowParts parts = alike ? parts_of(row, count, team) : RowParts{count, 0};
  write_elements(row, to, 0, parts.head, team, change);
  const uint4* from = reinterpret_cast<const uint4*>(row + parts.head);
  uint4* into = reinterpret_cast<uint4*>(to + parts.head);
  for (int64_t i = team.rank(); i < parts.vectors; i += kInFlight * team.size()) {
    uint4 raw[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t at = i + u * team.size();
      raw[u] = *(from + (at < parts.vectors ? at : i));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t at = i + u * team.size();
      if (at >= parts.vectors) break;
      float values[kPerVector<T>];
      widen_vector<T>(raw[u], values);
      change(values, parts.head + at * kPerVector<T>);
      ptx::store_streaming(into + at, narrow_vector(values, T{}));
    }
  }
  write_elements(row, to, parts.head + parts.vectors * kPerVector<T>, count, team, change);
}

}  // namespace cutloss::cuda
