// Methods of the addon, as Node-API calls them. A C++ exception must not leave a callback, and Napi::CallbackInfo,
// which allocates where there are more than six arguments, throws before anyone could catch: so arguments have a fixed
// place here, and a lack of memory is a failure like any other.
#pragma once

#include <napi.h>

#include <exception>

#include "binding/values.h"

namespace cutloss::binding {

/// The arguments of one call; those that were not given are undefined.
class CallInfo {
 public:
  CallInfo(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMost;
    napi_get_cb_info(env, info, &count, arguments_, nullptr, &owner_);
  }

  Napi::Env Env() const { return env_; }
  Napi::Value operator[](size_t index) const { return {env_, arguments_[index]}; }
  const napi_value* arguments() const { return arguments_; }
  void* owner() const { return owner_; }

 private:
  static constexpr size_t kMost = 8;

  napi_env env_;
  napi_value arguments_[kMost] = {};
  void* owner_ = nullptr;
};

template <class T, Napi::Value (T::*kMethod)(const CallInfo&)>
napi_value call_method(napi_env env, napi_callback_info info) {
  const CallInfo call(env, info);
  try {
    return (static_cast<T*>(call.owner())->*kMethod)(call);
  } catch (const std::exception&) {
    return to_js(env, failure(Code::kMemory, "No memory left to begin with the call"));
  }
}

template <class T, Napi::Value (T::*kMethod)(const CallInfo&)>
napi_property_descriptor method(const char* name, T* owner) {
  return {name, nullptr, call_method<T, kMethod>, nullptr, nullptr, nullptr, napi_enumerable, owner};
}

}  // namespace cutloss::binding
