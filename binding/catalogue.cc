#include "binding/catalogue.h"

#include "engine/engine.h"
#include "math/rows/objectives.h"

namespace cutloss::binding {
namespace {

/// Collects the names of a request's fields.
class Names {
 public:
  explicit Names(Napi::Env env)
      : env_(env),
        inputs_(Napi::Array::New(env)),
        outputs_(Napi::Array::New(env)),
        parameters_(Napi::Array::New(env)),
        results_(Napi::Array::New(env)) {}

  void input(const char* name, View&, Accept) { add(inputs_, name); }
  void output(const char* name, View&, Accept) { add(outputs_, name); }
  template <class T>
  void parameter(const char* name, T&) {
    add(parameters_, name);
  }
  void result(const char* name, double&) { add(results_, name); }

  Napi::Object object() const {
    Napi::Object all = Napi::Object::New(env_);
    all.Set("inputs", inputs_);
    all.Set("outputs", outputs_);
    all.Set("parameters", parameters_);
    all.Set("results", results_);
    return all;
  }

 private:
  void add(Napi::Array& to, const char* name) { to.Set(to.Length(), Napi::String::New(env_, name)); }

  Napi::Env env_;
  Napi::Array inputs_, outputs_, parameters_, results_;
};

template <class R>
Napi::Object names_of(Napi::Env env) {
  Names names(env);
  R request;
  fields(request, names);
  Napi::Object object = names.object();
  object.Set("name", R::kName);
  return object;
}

template <class... Requests>
Napi::Array names_of_all(Napi::Env env, const std::variant<Requests...>*) {
  Napi::Array all = Napi::Array::New(env);
  (all.Set(all.Length(), names_of<Requests>(env)), ...);
  return all;
}

template <size_t kCount>
Napi::Array list_of(Napi::Env env, const char* const (&names)[kCount]) {
  Napi::Array all = Napi::Array::New(env);
  for (const char* name : names) all.Set(all.Length(), name);
  return all;
}

}  // namespace

Napi::Value operations(Napi::Env env) { return names_of_all(env, static_cast<Request*>(nullptr)); }

Napi::Value objectives(Napi::Env env) {
  Napi::Array all = Napi::Array::New(env);
  for (const math::ObjectiveInfo& objective : math::kRowObjectives) {
    Napi::Array parameters = Napi::Array::New(env);
    for (int i = 0; i < 2; ++i) {
      const math::ObjectiveParameter& p = objective.parameters[i];
      if (!p.name) continue;
      Napi::Object parameter = Napi::Object::New(env);
      parameter.Set("name", p.name);
      parameter.Set("fallback", p.fallback);
      parameter.Set("low", p.low);
      parameter.Set("high", p.high);
      parameter.Set("required", p.required);
      parameters.Set(parameters.Length(), parameter);
    }
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", objective.name);
    entry.Set("parameters", parameters);
    all.Set(all.Length(), entry);
  }
  return all;
}

Napi::Value region_indices(Napi::Env env) { return list_of(env, math::kRegionIndices); }

Napi::Value region_moments(Napi::Env env) { return list_of(env, kRegionMomentNames); }

Napi::Value simd_levels(Napi::Env env) {
  const char* names[8];
  const int count = cutloss::simd_levels(names);
  Napi::Array all = Napi::Array::New(env);
  for (int i = 0; i < count; ++i) all.Set(uint32_t(i), names[i]);
  return all;
}

}  // namespace cutloss::binding
