// The part of TensorFlow's C API that registering an operation takes, found at run time in the library that tfjs-node
// has loaded: nothing of TensorFlow is needed to build, and without it nothing changes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/status.h"

namespace cutloss::tensorflow {

struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
struct TF_ShapeInferenceContext;

// Of TF_Code and TF_DataType.
constexpr int kInvalidArgument = 3;
constexpr int kFloat = 1;
constexpr int kInt32 = 3;

using CreateKernel = void* (*)(TF_OpKernelConstruction*);
using ComputeKernel = void (*)(void*, TF_OpKernelContext*);
using DeleteKernel = void (*)(void*);
using InferShape = void (*)(TF_ShapeInferenceContext*, TF_Status*);

struct CApi {
  TF_Status* (*NewStatus)();
  void (*DeleteStatus)(TF_Status*);
  int (*GetCode)(const TF_Status*);
  const char* (*Message)(const TF_Status*);
  void (*SetStatus)(TF_Status*, int code, const char* message);

  TF_OpDefinitionBuilder* (*NewOpDefinitionBuilder)(const char* name);
  void (*OpDefinitionBuilderAddAttr)(TF_OpDefinitionBuilder*, const char* specification);
  void (*OpDefinitionBuilderAddInput)(TF_OpDefinitionBuilder*, const char* specification);
  void (*OpDefinitionBuilderAddOutput)(TF_OpDefinitionBuilder*, const char* specification);
  void (*OpDefinitionBuilderSetIsStateful)(TF_OpDefinitionBuilder*, bool);
  void (*OpDefinitionBuilderSetShapeInferenceFunction)(TF_OpDefinitionBuilder*, InferShape);
  void (*ShapeInferenceContextSetUnknownShape)(TF_ShapeInferenceContext*, TF_Status*);
  void (*RegisterOpDefinition)(TF_OpDefinitionBuilder*, TF_Status*);

  TF_KernelBuilder* (*NewKernelBuilder)(const char* op, const char* device, CreateKernel, ComputeKernel, DeleteKernel);
  void (*RegisterKernelBuilder)(const char* name, TF_KernelBuilder*, TF_Status*);

  void (*GetInput)(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*);
  TF_Tensor* (*AllocateOutput)(TF_OpKernelContext*, int index, int dtype, const int64_t* shape, int axes, size_t bytes,
                               TF_Status*);
  void (*OpKernelContext_Failure)(TF_OpKernelContext*, TF_Status*);
  int (*TensorType)(const TF_Tensor*);
  void* (*TensorData)(const TF_Tensor*);
  size_t (*TensorByteSize)(const TF_Tensor*);
  void (*DeleteTensor)(TF_Tensor*);
};

/// The library behind tfjs_binding.node, if it is loaded and has all of that.
Status find(CApi* api);

}  // namespace cutloss::tensorflow
