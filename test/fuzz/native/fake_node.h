// The few functions of Node-API that the decoder calls, over typed arrays that are made up: what binding/decode.h does
// with a caller's arguments is then run without Node.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <vector>

namespace cutloss::fuzz {

/// What stands in the list of views: undefined, a typed array, or neither.
struct FakeValue {
  napi_valuetype type = napi_undefined;
  napi_typedarray_type array_type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
};

using FakeList = std::vector<FakeValue>;

inline napi_value as_napi(FakeList& list) { return reinterpret_cast<napi_value>(&list); }

}  // namespace cutloss::fuzz
