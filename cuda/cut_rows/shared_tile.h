// Tiles of matrices in shared memory, copied there by cp.async. Tiles may reach over its
// edges, where they are filled with zeros. Rows that do not begin on 16 bytes (an odd dim) go by ordinary loads.
#pragma once

#include <cuda_runtime.h>

#include "cuda/cut_rows/cut_pass.h"
#include "cuda/ptx/cp_async.h"
#include "cuda/ptx/wgmma.h"

namespace cutloss::cuda {

using ptx::Major;

template <class T>
inline constexpr int kDepth = 128 / sizeof(T);  // of a tile's inner dimension, so that a line of it is 128 bytes

/// A tile of one operand: kCutRows of its outer dimension by kDepth of the inner. In pieces of 16 bytes, permuted
/// within each line so that a warp's reads fall on different banks.
template <class T, Major kMajor>
struct SharedTile {
  static constexpr int kPerPiece = 16 / sizeof(T);
  static constexpr int kLines = kMajor == Major::kK ? kCutRows : kDepth<T>;
  static constexpr int kPieces = (kMajor == Major::kK ? kDepth<T> : kCutRows) / kPerPiece;  // of a line

  alignas(128) T elements[kLines * kPieces * kPerPiece];

  /// float tiles that are read across their lines are read four lines by eight elements at a time.
  __device__ static int place(int line, int piece) {
    const int turn = sizeof(T) == 4 && kMajor == Major::kMn ? (line & 3) << 1 : line & 7;
    return (line * kPieces + (piece ^ turn)) * kPerPiece;
  }
  __device__ const T* piece(int line, int piece) const { return elements + place(line, piece); }
  __device__ T* piece(int line, int piece) { return elements + place(line, piece); }

  /// The element at (outer, depth), for those that are not read by the piece.
  __device__ float at(int outer, int depth) const {
    const int line = kMajor == Major::kK ? outer : depth, across = kMajor == Major::kK ? depth : outer;
    return elements[place(line, across / kPerPiece) + across % kPerPiece];
  }

  /// Called by kThreads threads together; the copies belong to the caller's group.
  template <int kThreads>
  __device__ void load(const Matrix<T>& from, int64_t row0, int64_t column0) {
#pragma unroll
    for (int i = threadIdx.x; i < kLines * kPieces; i += kThreads) {
      const int line = i / kPieces, across = i % kPieces;
      const int64_t row = row0 + line, column = column0 + across * kPerPiece;
      const int64_t left = row < from.rows ? from.columns - column : 0;
      const int count = left > 0 ? static_cast<int>(left < kPerPiece ? left : kPerPiece) : 0;
      const T* source = count > 0 ? from.data + row * from.stride + column : from.data;
      if (from.aligned) {
        ptx::cp_async_16(piece(line, across), source, count * static_cast<int>(sizeof(T)));
      } else {
        copy_elements(source, count, piece(line, across));
      }
    }
  }

 private:
  __device__ static void copy_elements(const T* from, int count, T* to) {
    for (int k = 0; k < kPerPiece; ++k) to[k] = k < count ? from[k] : T{};
  }
};

}  // namespace cutloss::cuda
