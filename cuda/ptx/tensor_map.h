// The host's part of TMA: describes a row-major matrix in global memory, and the tiles that kernels copy of it. The
// driver's encoder is found at run time, so that nothing links against the driver.
#pragma once
#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace cutloss::cuda::ptx {

struct TileMap {
  CUtensorMapDataType type;
  const void* base;  // 16-byte aligned
  uint64_t rows, columns;
  uint64_t row_bytes;              // from one row to the next, a multiple of 16
  uint32_t box_rows, box_columns;  // of a tile; a row of it is at most as long as the swizzle's span
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_128B;
};

inline cudaError_t encode(const TileMap& tiles, CUtensorMap* map) {
  using Encode = decltype(&cuTensorMapEncodeTiled);
  static Encode encode_tiled = nullptr;
  if (!encode_tiled) {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found;
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found);
    if (error != cudaSuccess) return error;
    if (found != cudaDriverEntryPointSuccess) return cudaErrorNotSupported;
    encode_tiled = reinterpret_cast<Encode>(function);
  }
  const cuuint64_t sizes[2] = {tiles.columns, tiles.rows}, strides[1] = {tiles.row_bytes};
  const cuuint32_t box[2] = {tiles.box_columns, tiles.box_rows}, element_strides[2] = {1, 1};
  const CUresult result = encode_tiled(map, tiles.type, 2, const_cast<void*>(tiles.base), sizes, strides, box,
                                       element_strides, CU_TENSOR_MAP_INTERLEAVE_NONE, tiles.swizzle,
                                       CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace cutloss::cuda::ptx
