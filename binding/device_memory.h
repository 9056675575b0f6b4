// A GPU tensor's memory as JavaScript holds it: an opaque handle, type-tagged so that nothing else passes for one. It
// is freed once it was released (or collected) and no queued job uses it any more.
#pragma once

#include <node_api.h>

#include <atomic>
#include <cstddef>

#include "engine/engine.h"

namespace cutloss::binding {

class DeviceMemory {
 public:
  /// A handle to fresh memory, or a failure.
  static Status create(napi_env env, Engine* engine, int device, size_t bytes, napi_value* handle);

  /// The memory behind a handle; null for any other value.
  static DeviceMemory* of(napi_env env, napi_value handle);

  void* data() const { return released_ ? nullptr : data_; }
  size_t bytes() const { return bytes_; }
  int device() const { return device_; }
  Engine* engine() const { return engine_; }

  void retain() { ++uses_; }  // a job
  void drop();                // and its end; the last one out frees
  void release();             // dispose(): idempotent, JavaScript thread only

 private:
  DeviceMemory(Engine* engine, int device, void* data, size_t bytes)
      : engine_(engine), data_(data), bytes_(bytes), device_(device) {}

  Engine* engine_;
  void* data_;
  size_t bytes_;
  int device_;
  bool released_ = false;
  std::atomic<int> uses_{1};  // being unreleased, and every job
};

}  // namespace cutloss::binding
