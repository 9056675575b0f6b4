#include "binding/device_memory.h"

#include <new>

namespace cutloss::binding {
namespace {

constexpr napi_type_tag kTag = {0x6375746c6f737321, 0x6465766963656d65};

}  // namespace

Status DeviceMemory::create(napi_env env, Engine* engine, int device, size_t bytes, napi_value* handle) {
  void* data = nullptr;
  CUTLOSS_TRY(engine->allocate(bytes, &data));
  auto* memory = new (std::nothrow) DeviceMemory(engine, device, data, bytes);
  // Collected: no job holds the handle any more either.
  const auto finalize = [](node_api_basic_env, void* self, void*) {
    static_cast<DeviceMemory*>(self)->release();
    delete static_cast<DeviceMemory*>(self);
  };
  if (!memory || napi_create_external(env, memory, finalize, nullptr, handle) != napi_ok) {
    engine->release(data, bytes);
    delete memory;
    return failure(Code::kMemory, "No memory left for a handle");
  }
  napi_type_tag_object(env, *handle, &kTag);
  return {};
}

DeviceMemory* DeviceMemory::of(napi_env env, napi_value handle) {
  napi_valuetype type;
  bool tagged = false;
  if (napi_typeof(env, handle, &type) != napi_ok || type != napi_external) return nullptr;
  if (napi_check_object_type_tag(env, handle, &kTag, &tagged) != napi_ok || !tagged) return nullptr;
  void* memory = nullptr;
  napi_get_value_external(env, handle, &memory);
  return static_cast<DeviceMemory*>(memory);
}

void DeviceMemory::drop() {
  if (--uses_ == 0) engine_->release(data_, bytes_);
}

void DeviceMemory::release() {
  if (released_) return;
  released_ = true;
  drop();
}

}  // namespace cutloss::binding
