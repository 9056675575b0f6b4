// Small helpers from C++ to JavaScript values.
#pragma once

#include <napi.h>

#include "engine/status.h"

namespace cutloss::binding {

/// undefined, or {code, message, row?, value?}: src/native.ts turns it into a CutlossError.
inline Napi::Value to_js(Napi::Env env, const Status& status) {
  if (status.ok()) return env.Undefined();
  Napi::Object failure = Napi::Object::New(env);
  failure.Set("code", Napi::Number::New(env, int(status.code)));
  failure.Set("message", Napi::String::New(env, status.message));
  if (status.row >= 0) {
    failure.Set("row", Napi::Number::New(env, double(status.row)));
    failure.Set("value", Napi::Number::New(env, double(status.value)));
  }
  return failure;
}

}  // namespace cutloss::binding
