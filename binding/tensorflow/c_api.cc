#include "binding/tensorflow/c_api.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif
#ifdef __linux__
#include <link.h>
#elif defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include <string>
#include <string_view>

namespace cutloss::tensorflow {
namespace {

bool is_tfjs_binding(std::string_view path) { return path.ends_with("/tfjs_binding.node"); }

/// Where the addon of tfjs-node was loaded from; empty if it was not.
std::string loaded_binding() {
  std::string found;
#ifdef __linux__
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* to) {
        if (!is_tfjs_binding(object->dlpi_name)) return 0;
        *static_cast<std::string*>(to) = object->dlpi_name;
        return 1;
      },
      &found);
#elif defined(__APPLE__)
  for (uint32_t i = 0; i < _dyld_image_count(); ++i) {
    if (const char* path = _dyld_get_image_name(i); path && is_tfjs_binding(path)) return path;
  }
#endif
  return found;
}

/// Looks up functions and remembers the first that is missing.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <class Function>
  void find(Function** function, const char* name) {
#ifndef _WIN32
    *function = reinterpret_cast<Function*>(dlsym(library_, name));
#endif
    if (!*function && !missing_) missing_ = name;
  }
  const char* missing() const { return missing_; }

 private:
  void* library_;
  const char* missing_ = nullptr;
};

}  // namespace

Status find(CApi* api) {
  const std::string path = loaded_binding();
  if (path.empty()) return failure(Code::kLoad, "Expected tfjs-node to be loaded but tfjs_binding.node is not");
  void* library = nullptr;
#ifndef _WIN32
  // A handle looks through everything the addon was linked to, under whatever name; this loads nothing.
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
#endif
  if (!library) return failure(Code::kLoad, "Could not reopen the addon of tfjs-node");

  Symbols symbols(library);
#define CUTLOSS_FIND(name) symbols.find(&api->name, "TF_" #name)
  CUTLOSS_FIND(NewStatus);
  CUTLOSS_FIND(DeleteStatus);
  CUTLOSS_FIND(GetCode);
  CUTLOSS_FIND(Message);
  CUTLOSS_FIND(SetStatus);
  CUTLOSS_FIND(NewOpDefinitionBuilder);
  CUTLOSS_FIND(OpDefinitionBuilderAddAttr);
  CUTLOSS_FIND(OpDefinitionBuilderAddInput);
  CUTLOSS_FIND(OpDefinitionBuilderAddOutput);
  CUTLOSS_FIND(OpDefinitionBuilderSetIsStateful);
  CUTLOSS_FIND(OpDefinitionBuilderSetShapeInferenceFunction);
  CUTLOSS_FIND(ShapeInferenceContextSetUnknownShape);
  CUTLOSS_FIND(RegisterOpDefinition);
  CUTLOSS_FIND(NewKernelBuilder);
  CUTLOSS_FIND(RegisterKernelBuilder);
  CUTLOSS_FIND(GetInput);
  CUTLOSS_FIND(AllocateOutput);
  CUTLOSS_FIND(OpKernelContext_Failure);
  CUTLOSS_FIND(TensorType);
  CUTLOSS_FIND(TensorData);
  CUTLOSS_FIND(TensorByteSize);
  CUTLOSS_FIND(DeleteTensor);
#undef CUTLOSS_FIND
  if (symbols.missing()) return failure(Code::kLoad, "This TensorFlow has no function %s", symbols.missing());
  return {};
}

}  // namespace cutloss::tensorflow
