// The addon: one instance per environment. run() computes on the calling thread, start() on the queue's; both decode
// their arguments in one place and leave every formula to the engines.
#include <napi.h>

#include <cinttypes>
#include <iterator>
#include <memory>

#include "binding/catalogue.h"
#include "binding/decode.h"
#include "binding/device_memory.h"
#include "binding/job_queue.h"
#include "binding/method.h"
#include "binding/tensorflow/job_op.h"
#include "binding/values.h"

namespace cutloss::binding {
namespace {

/// (operation, device, views, dtypes, parameters, results, done?, staged?): the first six as native code sees them.
struct Call {
  Engine* engine = nullptr;
  int device = kHost;
  Request request;
  std::vector<DeviceMemory*> memories;
};

Engine* engine_of(int device, Status* why) { return device == kHost ? &cpu_engine() : cuda_engine(device, why); }

template <class T>
bool read_array(napi_env env, napi_value value, napi_typedarray_type type, T** data, size_t* length) {
  napi_typedarray_type actual;
  void* memory = nullptr;
  if (napi_get_typedarray_info(env, value, &actual, length, &memory, nullptr, nullptr) != napi_ok || actual != type) {
    return false;
  }
  *data = static_cast<T*>(memory);
  return true;
}

Status decode(napi_env env, const napi_value* arguments, Call* call) {
  uint32_t operation = 0;
  int32_t device = kHost;
  Arguments a;
  uint8_t* dtypes;
  double *parameters, *results;
  size_t result_count;
  bool is_array = false;
  if (napi_get_value_uint32(env, arguments[0], &operation) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &device) != napi_ok ||
      napi_is_array(env, arguments[2], &is_array) != napi_ok || !is_array ||
      !read_array(env, arguments[3], napi_uint8_array, &dtypes, &a.view_count) ||
      !read_array(env, arguments[4], napi_float64_array, &parameters, &a.parameter_count) ||
      !read_array(env, arguments[5], napi_float64_array, &results, &result_count) ||
      !make_request(operation, &call->request)) {
    return failure(Code::kInternal, "run() was called with arguments of the wrong kind");
  }
  a.views = arguments[2];
  a.dtypes = dtypes;
  a.parameters = parameters;

  Status status;
  call->device = device;
  call->engine = engine_of(device, &status);
  if (!call->engine) return status;
  return std::visit(
      [&](auto& request) {
        FieldCounts counts;
        fields(request, Counter(&counts));
        if (counts.views != a.view_count || counts.parameters != a.parameter_count || counts.results != result_count) {
          return failure(Code::kInternal, "run() was called with the wrong number of fields");
        }
        Decoder decoder(env, a, device, &call->memories);
        fields(request, decoder);
        return decoder.status();
      },
      call->request);
}

void copy_results(napi_env env, Request& request, napi_value array) {
  double* results;
  size_t count;
  if (!read_array(env, array, napi_float64_array, &results, &count) || count == 0) return;
  std::visit([&](auto& r) { fields(r, ResultCopy(results)); }, request);
}

/// [[slot, shape], …]: the views that TensorFlow provides.
std::vector<tensorflow::OpenView> open_views(const Napi::Array& list) {
  std::vector<tensorflow::OpenView> views(list.Length());
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Array pair = list.Get(i).As<Napi::Array>();
    views[i].slot = pair.Get(0u).ToNumber().Uint32Value();
    const Napi::Array shape = pair.Get(1u).As<Napi::Array>();
    for (uint32_t axis = 0; axis < shape.Length(); ++axis) {
      views[i].shape.push_back(shape.Get(axis).ToNumber().Int64Value());
    }
  }
  return views;
}

/// Whether an output's memory went away while a job wrote to it.
class LostOutput {
 public:
  LostOutput(napi_env env, napi_value views) : env_(env), views_(views) {}
  void input(const char*, View&, Accept) { ++index_; }
  void output(const char* name, View& view, Accept) {
    const uint32_t index = index_++;
    if (!view || view.device != kHost || view.size == 0) return;
    napi_value value;
    size_t length = 0;
    napi_get_element(env_, views_, index, &value);
    napi_get_typedarray_info(env_, value, nullptr, &length, nullptr, nullptr, nullptr);
    if (length == 0) name_ = name;
  }
  template <class T>
  void parameter(const char*, T&) {}
  void result(const char*, double&) {}

  const char* name() const { return name_; }

 private:
  napi_env env_;
  napi_value views_;
  uint32_t index_ = 0;
  const char* name_ = nullptr;
};

class CutlossAddon : public Napi::Addon<CutlossAddon> {
 public:
  CutlossAddon(Napi::Env env, Napi::Object exports) {
    const Status status = queue_.open(env, settle);
    if (!status.ok()) {
      Napi::Error::New(env, status.message).ThrowAsJavaScriptException();
      return;
    }
    // Added after the threadsafe function, so that it runs before that one's own.
    napi_add_env_cleanup_hook(
        env, [](void* queue) { static_cast<JobQueue*>(queue)->stop(); }, &queue_);
    exports.Set("operations", operations(env));
    exports.Set("objectives", objectives(env));
    exports.Set("regionIndices", region_indices(env));
    exports.Set("regionMoments", region_moments(env));
    exports.Set("simdLevels", simd_levels(env));
    const napi_property_descriptor methods[] = {
        own_method<&CutlossAddon::run>("run"),
        own_method<&CutlossAddon::start>("start"),
        own_method<&CutlossAddon::cancel>("cancel"),
        own_method<&CutlossAddon::register_in_tensorflow>("registerInTensorFlow"),
        own_method<&CutlossAddon::stage>("stage"),
        own_method<&CutlossAddon::unstage>("unstage"),
        own_method<&CutlossAddon::cuda_devices>("cudaDevices"),
        own_method<&CutlossAddon::versions>("versions"),
        own_method<&CutlossAddon::describe>("describe"),
        own_method<&CutlossAddon::memory>("memory"),
        own_method<&CutlossAddon::set_threads>("setThreads"),
        own_method<&CutlossAddon::set_simd>("setSimd"),
        own_method<&CutlossAddon::allocate>("allocate"),
        own_method<&CutlossAddon::release>("release"),
        own_method<&CutlossAddon::upload>("upload"),
        own_method<&CutlossAddon::download>("download"),
    };
    napi_define_properties(env, exports, std::size(methods), methods);
  }

 private:
  template <Napi::Value (CutlossAddon::*kMethod)(const CallInfo&)>
  napi_property_descriptor own_method(const char* name) {
    return method<CutlossAddon, kMethod>(name, this);
  }

  Napi::Value run(const CallInfo& info) {
    Call call;
    Status status = decode(info.Env(), info.arguments(), &call);
    Cancel never;
    if (status.ok()) status = call.engine->run(call.request, never);
    if (status.ok()) copy_results(info.Env(), call.request, info[5]);
    return to_js(info.Env(), status);
  }

  /// Returns the job's number, or a failure if it could not be started.
  Napi::Value start(const CallInfo& info) {
    const Napi::Env env = info.Env();
    Call call;
    Status status = decode(env, info.arguments(), &call);
    if (status.ok() && !info[6].IsFunction())
      status = failure(Code::kInternal, "start() was called without a callback");
    if (!status.ok()) return to_js(env, status);

    auto job = std::make_unique<Job>();
    const int64_t id = job->id = ++last_job_;
    job->engine = call.engine;
    job->request = call.request;
    job->staged = info[7].IsNumber() ? info[7].As<Napi::Number>().Uint32Value() : 0;
    job->memories = std::move(call.memories);
    for (DeviceMemory* memory : job->memories) memory->retain();
    Napi::Array pinned = Napi::Array::New(env, 3);
    pinned.Set(0u, info[2]);
    pinned.Set(1u, info[5]);
    pinned.Set(2u, info[6]);
    napi_create_reference(env, pinned, 1, &job->pinned);
    const napi_ref reference = job->pinned;
    status = queue_.start(std::move(job), call.device);
    if (!status.ok()) {
      napi_delete_reference(env, reference);
      return to_js(env, status);
    }
    return Napi::Number::New(env, double(id));
  }

  /// Calls `done`. A worker may be told to terminate at any moment, and then every call into JavaScript fails: that is
  /// no error, and there is nobody left to tell.
  static void settle(napi_env env, Job& job) {
    napi_value pinned, views, results, done, receiver, failure_value;
    const bool alive =
        napi_get_reference_value(env, job.pinned, &pinned) == napi_ok &&
        napi_get_element(env, pinned, 0, &views) == napi_ok && napi_get_element(env, pinned, 1, &results) == napi_ok &&
        napi_get_element(env, pinned, 2, &done) == napi_ok && napi_get_undefined(env, &receiver) == napi_ok;
    napi_delete_reference(env, job.pinned);
    if (!alive) return;
    if (job.status.ok()) {
      LostOutput lost(env, views);
      std::visit([&](auto& request) { fields(request, lost); }, job.request);
      if (lost.name()) {
        job.status =
            failure(Code::kDetached, "Expected the memory of %s to stay but its buffer was transferred during the call",
                    lost.name());
      } else {
        copy_results(env, job.request, results);
      }
    }
    failure_value = to_js(env, job.status);
    napi_call_function(env, receiver, done, 1, &failure_value, nullptr);
  }

  Napi::Value cancel(const CallInfo& info) {
    queue_.cancel(info[0].ToNumber().Int64Value());
    return info.Env().Undefined();
  }

  Napi::Value register_in_tensorflow(const CallInfo& info) {
    std::string name;
    const Status status = tensorflow::register_op(&name);
    if (!status.ok()) return to_js(info.Env(), status);
    return Napi::String::New(info.Env(), name);
  }

  /// run() in two halves, between which TensorFlow executes the operation that it registered.
  Napi::Value stage(const CallInfo& info) {
    Call call;
    const Status status = decode(info.Env(), info.arguments(), &call);
    if (!status.ok()) return to_js(info.Env(), status);
    auto job = std::make_unique<tensorflow::StagedJob>();
    job->engine = call.engine;
    job->request = call.request;
    job->inputs = open_views(info[6].As<Napi::Array>());
    job->outputs = open_views(info[7].As<Napi::Array>());
    return Napi::Number::New(info.Env(), tensorflow::stage(std::move(job)));
  }

  Napi::Value unstage(const CallInfo& info) {
    const auto job = tensorflow::unstage(info[0].ToNumber().Int32Value());
    if (!job) return info.Env().Undefined();
    if (job->ran && job->status.ok()) copy_results(info.Env(), job->request, info[1]);
    return to_js(info.Env(), job->status);
  }

  Napi::Value cuda_devices(const CallInfo& info) {
    const char* reason = "";
    Napi::Object found = Napi::Object::New(info.Env());
    found.Set("count", cuda_device_count(&reason));
    found.Set("reason", reason);
    return found;
  }

  Napi::Value versions(const CallInfo& info) { return binding::versions(info.Env()); }

  Napi::Value describe(const CallInfo& info) {
    const Napi::Env env = info.Env();
    Status status;
    Engine* engine = engine_of(info[0].ToNumber().Int32Value(), &status);
    DeviceInfo device;
    if (engine) status = engine->describe(&device);
    if (!status.ok()) return to_js(env, status);
    Napi::Object about = Napi::Object::New(env);
    about.Set("name", device.name);
    about.Set("totalMemory", double(device.total_memory));
    about.Set("freeMemory", double(device.free_memory));
    if (device.compute_capability[0]) about.Set("computeCapability", device.compute_capability);
    if (device.driver[0]) about.Set("driver", device.driver);
    if (device.threads > 0) about.Set("threads", device.threads);
    if (device.simd) about.Set("simd", device.simd);
    if (device.simd_level) about.Set("simdLevel", device.simd_level);
    return about;
  }

  Napi::Value memory(const CallInfo& info) {
    Status status;
    Engine* engine = engine_of(info[0].ToNumber().Int32Value(), &status);
    const MemoryUse use = engine ? engine->memory() : MemoryUse{};
    Napi::Object about = Napi::Object::New(info.Env());
    about.Set("bytes", double(use.bytes));
    about.Set("workspaceBytes", double(use.workspace_bytes));
    about.Set("peakBytes", double(use.peak_bytes));
    return about;
  }

  Napi::Value set_threads(const CallInfo& info) {
    return to_js(info.Env(), cutloss::set_threads(info[0].ToNumber().Int32Value()));
  }

  Napi::Value set_simd(const CallInfo& info) {
    if (info[0].IsUndefined()) return to_js(info.Env(), cutloss::set_simd(nullptr));
    return to_js(info.Env(), cutloss::set_simd(info[0].ToString().Utf8Value().c_str()));
  }

  Napi::Value allocate(const CallInfo& info) {
    const int device = info[0].ToNumber().Int32Value();
    const double bytes = info[1].ToNumber().DoubleValue();
    Status status;
    Engine* engine = engine_of(device, &status);
    if (engine && !(bytes >= 0 && bytes <= 9007199254740991.0))
      status = failure(Code::kMemory, "Cannot allocate %g bytes", bytes);
    if (!engine || !status.ok()) return to_js(info.Env(), status);
    napi_value handle;
    status = DeviceMemory::create(info.Env(), engine, device, size_t(bytes), &handle);
    return status.ok() ? Napi::Value(info.Env(), handle) : to_js(info.Env(), status);
  }

  Napi::Value release(const CallInfo& info) {
    if (DeviceMemory* memory = DeviceMemory::of(info.Env(), info[0])) memory->release();
    return info.Env().Undefined();
  }

  Napi::Value upload(const CallInfo& info) { return copy(info, info[0], info[1], true); }
  Napi::Value download(const CallInfo& info) { return copy(info, info[1], info[0], false); }

  static Napi::Value copy(const CallInfo& info, Napi::Value handle, Napi::Value array, bool up) {
    DeviceMemory* memory = DeviceMemory::of(info.Env(), handle);
    if (!memory || !array.IsTypedArray())
      return to_js(info.Env(), failure(Code::kInternal, "Expected device memory and a typed array"));
    if (!memory->data())
      return to_js(info.Env(), failure(Code::kDisposed, "Expected a tensor that is alive but it was disposed"));
    napi_typedarray_type type;
    size_t length;
    void* host;
    napi_get_typedarray_info(info.Env(), array, &type, &length, &host, nullptr, nullptr);
    const size_t bytes = length * bytes_per_element(type);
    if (bytes != memory->bytes()) {
      return to_js(info.Env(), failure(Code::kShape, "Expected %zu bytes but received %zu", memory->bytes(), bytes));
    }
    return to_js(info.Env(), up ? memory->engine()->upload(memory->data(), host, memory->bytes())
                                : memory->engine()->download(host, memory->data(), memory->bytes()));
  }

  JobQueue queue_;
  int64_t last_job_ = 0;
};

NODE_API_ADDON(CutlossAddon)

}  // namespace
}  // namespace cutloss::binding
