// What the binary was built from and with. CMake gives the package's version to this file alone, and its commit where a
// release is built: what is built from the same sources is the same bytes.
#include <cstdio>

#include "binding/catalogue.h"
#include "engine/engine.h"

namespace cutloss::binding {
namespace {

#ifdef __clang__
constexpr char kCompiler[] = "Clang " __clang_version__;
#else
constexpr char kCompiler[] = "GCC " __VERSION__;
#endif

void set_cuda_version(Napi::Object versions, const char* name, int version) {
  char text[16];
  std::snprintf(text, sizeof text, "%d.%d", version / 1000, version % 1000 / 10);
  if (version > 0) versions.Set(name, text);
}

}  // namespace

Napi::Value versions(Napi::Env env) {
  Napi::Object all = Napi::Object::New(env);
  all.Set("binary", CUTLOSS_VERSION);
  if (*CUTLOSS_COMMIT) all.Set("commit", CUTLOSS_COMMIT);
  all.Set("nodeApi", NAPI_VERSION);
  all.Set("compiler", kCompiler);
  const CudaVersions cuda = cuda_versions();
  set_cuda_version(all, "cudaRuntime", cuda.runtime);
  set_cuda_version(all, "cudaDriver", cuda.driver);
  return all;
}

}  // namespace cutloss::binding
