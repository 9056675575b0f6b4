// From the arguments of run() to a request. Each request names its fields once (fields() in engine/); the decoder walks
// them in that order, reads every pointer and length at this moment, and no JavaScript runs in between.
#pragma once

#include <node_api.h>

#include <cmath>
#include <vector>

#include "binding/device_memory.h"
#include "engine/engine.h"

namespace cutloss::binding {

/// The arguments as they came: an array of typed arrays and handles, a dtype per view, parameters, room for results.
struct Arguments {
  napi_value views;
  const uint8_t* dtypes;
  size_t view_count;
  const double* parameters;
  size_t parameter_count;
};

struct FieldCounts {
  size_t views = 0, parameters = 0, results = 0;
};

inline size_t bytes_per_element(napi_typedarray_type type) {
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array: return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array: return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array: return 8;
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array: return 1;
    default: return 2;  // Float16Array, where the runtime has it
  }
}

class Decoder {
 public:
  Decoder(napi_env env, const Arguments& arguments, int device, std::vector<DeviceMemory*>* memories)
      : env_(env), a_(arguments), device_(device), memories_(memories) {}

  void input(const char* name, View& view, Accept accept) { read(name, view, accept); }
  void output(const char* name, View& view, Accept accept) { read(name, view, accept); }

  void parameter(const char* name, int64_t& to) {
    const double value = a_.parameters[parameter_++];
    if (!(std::fabs(value) <= 9007199254740991.0) || value != std::trunc(value)) {
      fail(failure(Code::kOption, "Expected a whole number for %s but received %g", name, value));
    } else {
      to = static_cast<int64_t>(value);
    }
  }
  void parameter(const char*, double& to) { to = a_.parameters[parameter_++]; }
  void result(const char*, double&) {}

  const Status& status() const { return status_; }

 private:
  void fail(const Status& status) {
    if (status_.ok()) status_ = status;
  }

  void read(const char* name, View& view, Accept accept) {
    const size_t index = view_++;
    const uint8_t dtype = a_.dtypes[index];
    napi_value value;
    napi_valuetype type;
    if (napi_get_element(env_, a_.views, uint32_t(index), &value) != napi_ok ||
        napi_typeof(env_, value, &type) != napi_ok) {
      return fail(failure(Code::kInternal, "Could not read %s", name));
    }
    if (type == napi_undefined) return;
    if (dtype >= kDTypeCount || !accepts(accept, DType(dtype))) {
      return fail(failure(Code::kDType, "Unexpected dtype for %s", name));
    }
    view.dtype = DType(dtype);
    view.given = true;
    size_t bytes = 0;
    if (DeviceMemory* memory = DeviceMemory::of(env_, value)) {
      if (!memory->data()) return fail(failure(Code::kDisposed, "Expected %s to be alive but it was disposed", name));
      if (memory->device() != device_) return fail(failure(Code::kDevice, "%s is on another device", name));
      view.data = memory->data();
      view.device = memory->device();
      bytes = memory->bytes();
      memories_->push_back(memory);
    } else {
      napi_typedarray_type array_type;
      size_t length;
      if (napi_get_typedarray_info(env_, value, &array_type, &length, &view.data, nullptr, nullptr) != napi_ok) {
        return fail(failure(Code::kDType, "Expected a typed array for %s", name));
      }
      bytes = length * bytes_per_element(array_type);
    }
    view.size = int64_t(bytes / element_size(view.dtype));
    if (reinterpret_cast<uintptr_t>(view.data) % element_size(view.dtype) != 0) {
      fail(failure(Code::kDType, "Expected the memory of %s to be aligned to its elements", name));
    }
  }

  napi_env env_;
  const Arguments& a_;
  int device_;
  std::vector<DeviceMemory*>* memories_;
  size_t view_ = 0, parameter_ = 0;
  Status status_;
};

/// How many of each kind a request has.
class Counter {
 public:
  explicit Counter(FieldCounts* counts) : c_(counts) {}
  void input(const char*, View&, Accept) { ++c_->views; }
  void output(const char*, View&, Accept) { ++c_->views; }
  template <class T>
  void parameter(const char*, T&) {
    ++c_->parameters;
  }
  void result(const char*, double&) { ++c_->results; }

 private:
  FieldCounts* c_;
};

/// Copies a finished request's results out.
class ResultCopy {
 public:
  explicit ResultCopy(double* to) : to_(to) {}
  void input(const char*, View&, Accept) {}
  void output(const char*, View&, Accept) {}
  template <class T>
  void parameter(const char*, T&) {}
  void result(const char*, double& value) { *to_++ = value; }

 private:
  double* to_;
};

/// The n-th kind of request, empty.
template <size_t kIndex = 0>
bool make_request(size_t index, Request* request) {
  if constexpr (kIndex == std::variant_size_v<Request>) {
    return false;
  } else {
    if (index != kIndex) return make_request<kIndex + 1>(index, request);
    request->emplace<kIndex>();
    return true;
  }
}

}  // namespace cutloss::binding
