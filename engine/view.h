// Memory that somebody else owns: a pointer, a length in elements, what the elements are, and where they live.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "math/hd.h"

namespace cutloss {

// The order is that of `dtypes` in src/dtype.ts. kFloat64 is for sums that engines hand out; no tensor has it.
enum class DType : uint8_t { kFloat32, kFloat16, kBFloat16, kInt32, kInt64, kUint8, kBool, kFloat64 };

constexpr int kDTypeCount = 8;

CUTLOSS_HD constexpr size_t element_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kInt32: return 4;
    case DType::kFloat16:
    case DType::kBFloat16: return 2;
    case DType::kInt64:
    case DType::kFloat64: return 8;
    default: return 1;
  }
}

CUTLOSS_HD constexpr bool is_floating(DType dtype) { return dtype <= DType::kBFloat16; }
constexpr bool is_integer(DType dtype) { return dtype >= DType::kInt32 && dtype <= DType::kUint8; }

constexpr int kHost = -1;  // View::device for memory of this process; otherwise the number of a GPU

struct View {
  void* data = nullptr;
  int64_t size = 0;  // elements
  DType dtype = DType::kFloat32;
  int device = kHost;
  bool given = false;

  CUTLOSS_HD explicit operator bool() const { return given; }
  size_t bytes() const { return static_cast<size_t>(size) * element_size(dtype); }
  template <class T>
  CUTLOSS_HD T* as() const {
    return static_cast<T*>(data);
  }
};

/// A request of this kind, const or not: fields() is written once for both.
template <class T, class Request>
concept Is = std::same_as < std::remove_const_t<T>,
Request > ;

/// What a field of a request accepts; see fields() in rows.h.
enum class Accept : uint8_t { kFloating, kFloat32, kInt32, kIntegerOrFloating, kAnyNumber, kFloat32OrByte, kFloat64 };

constexpr bool accepts(Accept accept, DType dtype) {
  switch (accept) {
    case Accept::kFloating: return is_floating(dtype);
    case Accept::kFloat32: return dtype == DType::kFloat32;
    case Accept::kInt32: return dtype == DType::kInt32;
    case Accept::kIntegerOrFloating: return is_floating(dtype) || is_integer(dtype);
    case Accept::kAnyNumber: return dtype != DType::kFloat64;
    case Accept::kFloat32OrByte: return dtype == DType::kFloat32 || element_size(dtype) == 1;
    case Accept::kFloat64: return dtype == DType::kFloat64;
  }
  return false;
}

}  // namespace cutloss
