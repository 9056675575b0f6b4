// Encoding, with the conditions that the driver documents for tiled tensor maps.
#include "cuda/emulated/host/tensor_map.h"

#include <cstring>

using cutloss::emulated::TensorMap;

namespace {

constexpr uint64_t kMagic = 0x7465'6e73'6f72'6d61;

uint32_t element_bytes(CUtensorMapDataType type) {
  switch (type) {
    case CU_TENSOR_MAP_DATA_TYPE_UINT8: return 1;
    case CU_TENSOR_MAP_DATA_TYPE_UINT16:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
    case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16: return 2;
    case CU_TENSOR_MAP_DATA_TYPE_UINT32:
    case CU_TENSOR_MAP_DATA_TYPE_INT32:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT32: return 4;
  }
  return 0;
}

bool is_valid(const TensorMap& map) {
  constexpr uint64_t kMaxSize = uint64_t{1} << 32, kMaxStride = uint64_t{1} << 40;
  const size_t span = map.swizzle == CU_TENSOR_MAP_SWIZZLE_NONE ? 256 * 4 : size_t{16} << map.swizzle;
  return map.element_bytes != 0 && reinterpret_cast<uintptr_t>(map.base) % 16 == 0 && map.columns >= 1 &&
         map.rows >= 1 && map.columns <= kMaxSize && map.rows <= kMaxSize && map.row_bytes % 16 == 0 &&
         map.row_bytes < kMaxStride && map.row_bytes >= map.columns * map.element_bytes && map.box_columns >= 1 &&
         map.box_columns <= 256 && map.box_rows >= 1 && map.box_rows <= 256 && map.box_row_bytes() % 16 == 0 &&
         map.box_row_bytes() <= span;
}

}  // namespace

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* base,
                                const cuuint64_t* sizes, const cuuint64_t* strides_in_bytes, const cuuint32_t* box,
                                const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
  if (rank != 2 || element_strides[0] != 1 || element_strides[1] != 1 || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE)
    return CUDA_ERROR_INVALID_VALUE;
  const TensorMap mine{kMagic, static_cast<std::byte*>(base), sizes[0], sizes[1], strides_in_bytes[0], box[0],
                       box[1], element_bytes(type),           type,     swizzle};
  if (!is_valid(mine)) return CUDA_ERROR_INVALID_VALUE;
  static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap));
  memset(map, 0, sizeof *map);
  memcpy(map, &mine, sizeof mine);
  return CUDA_SUCCESS;
}

namespace cutloss::emulated {

const TensorMap* decode(const CUtensorMap& map) {
  const auto* mine = reinterpret_cast<const TensorMap*>(&map);
  return mine->magic == kMagic ? mine : nullptr;
}

}  // namespace cutloss::emulated
