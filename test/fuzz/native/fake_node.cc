#include "test/fuzz/native/fake_node.h"

#include "binding/device_memory.h"

using cutloss::fuzz::FakeList;
using cutloss::fuzz::FakeValue;

namespace {

const FakeValue& value_of(napi_value value) { return *reinterpret_cast<const FakeValue*>(value); }

}  // namespace

extern "C" {

napi_status napi_get_element(napi_env, napi_value object, uint32_t index, napi_value* result) {
  FakeList& list = *reinterpret_cast<FakeList*>(object);
  if (index >= list.size()) return napi_invalid_arg;
  *result = reinterpret_cast<napi_value>(&list[index]);
  return napi_ok;
}

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype* result) {
  *result = value_of(value).type;
  return napi_ok;
}

napi_status napi_get_typedarray_info(napi_env, napi_value typed_array, napi_typedarray_type* type, size_t* length,
                                     void** data, napi_value*, size_t*) {
  const FakeValue& value = value_of(typed_array);
  if (value.type != napi_object) return napi_invalid_arg;
  *type = value.array_type;
  *length = value.length;
  *data = value.data;
  return napi_ok;
}
}

namespace cutloss::binding {

DeviceMemory* DeviceMemory::of(napi_env, napi_value) { return nullptr; }  // no GPU

}  // namespace cutloss::binding
