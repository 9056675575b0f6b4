// Tensor maps: the 128 bytes that describe a tiled tensor in global memory to the TMA unit. Same types and the same
// refusals as the driver's; the bytes inside are the emulator's own.
#pragma once
#include <cstddef>
#include <cstdint>

using cuuint32_t = uint32_t;
using cuuint64_t = uint64_t;

enum CUresult {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
};

enum CUtensorMapDataType {
  CU_TENSOR_MAP_DATA_TYPE_UINT8 = 0,
  CU_TENSOR_MAP_DATA_TYPE_UINT16 = 1,
  CU_TENSOR_MAP_DATA_TYPE_UINT32 = 2,
  CU_TENSOR_MAP_DATA_TYPE_INT32 = 3,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT32 = 7,
  CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9,
};
enum CUtensorMapInterleave {
  CU_TENSOR_MAP_INTERLEAVE_NONE = 0,
};
enum CUtensorMapSwizzle {
  CU_TENSOR_MAP_SWIZZLE_NONE = 0,
  CU_TENSOR_MAP_SWIZZLE_32B = 1,
  CU_TENSOR_MAP_SWIZZLE_64B = 2,
  CU_TENSOR_MAP_SWIZZLE_128B = 3,
};
enum CUtensorMapL2promotion {
  CU_TENSOR_MAP_L2_PROMOTION_NONE = 0,
  CU_TENSOR_MAP_L2_PROMOTION_L2_64B = 1,
  CU_TENSOR_MAP_L2_PROMOTION_L2_128B = 2,
  CU_TENSOR_MAP_L2_PROMOTION_L2_256B = 3,
};
enum CUtensorMapFloatOOBfill {
  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0,
};

struct CUtensorMap {
  alignas(64) cuuint64_t opaque[16];
};

// Two dimensions, the contiguous one first; no interleaving, no element strides, zeros out of bounds.
CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* base,
                                const cuuint64_t* sizes, const cuuint64_t* strides_in_bytes, const cuuint32_t* box,
                                const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                CUtensorMapFloatOOBfill fill);

namespace cutloss::emulated {

// What the bytes of a CUtensorMap mean here.
struct TensorMap {
  uint64_t magic;
  std::byte* base;
  uint64_t columns, rows, row_bytes;
  uint32_t box_columns, box_rows, element_bytes;
  CUtensorMapDataType type;
  CUtensorMapSwizzle swizzle;

  size_t box_row_bytes() const { return size_t{box_columns} * element_bytes; }
  size_t box_bytes() const { return box_row_bytes() * box_rows; }
};

// Null for bytes that cuTensorMapEncodeTiled did not write.
const TensorMap* decode(const CUtensorMap& map);

}  // namespace cutloss::emulated
