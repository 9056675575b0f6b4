#include "binding/tensorflow/job_op.h"

#include <cstring>
#include <map>
#include <mutex>

#include "binding/tensorflow/c_api.h"

namespace cutloss::tensorflow {
namespace {

// Found once, kept until the process ends: kernels may run in any thread.
CApi api;

std::mutex staged_mutex;
std::map<int32_t, std::unique_ptr<StagedJob>>& staged_jobs() {
  static auto* jobs = new std::map<int32_t, std::unique_ptr<StagedJob>>;  // never destroyed: workers outlive statics
  return *jobs;
}

/// The job stays staged: whoever staged it waits until the operation has returned.
StagedJob* staged_job(int32_t number) {
  std::lock_guard lock(staged_mutex);
  const auto job = staged_jobs().find(number);
  return job == staged_jobs().end() ? nullptr : job->second.get();
}

struct StatusHolder {
  TF_Status* status = api.NewStatus();
  ~StatusHolder() { api.DeleteStatus(status); }
  bool ok() const { return api.GetCode(status) == 0; }
};

/// Tensors that a kernel holds until it is done.
class HeldTensors {
 public:
  ~HeldTensors() {
    for (TF_Tensor* tensor : tensors_) api.DeleteTensor(tensor);
  }
  TF_Tensor* hold(TF_Tensor* tensor) {
    if (tensor) tensors_.push_back(tensor);
    return tensor;
  }

 private:
  std::vector<TF_Tensor*> tensors_;
};

/// The views of a request, in the order of its fields.
class Slots {
 public:
  struct Slot {
    const char* name;
    View* view;
    Accept accept;
  };
  void input(const char* name, View& view, Accept accept) { slots_.push_back({name, &view, accept}); }
  void output(const char* name, View& view, Accept accept) { slots_.push_back({name, &view, accept}); }
  template <class T>
  void parameter(const char*, T&) {}
  void result(const char*, double&) {}

  const Slot* at(uint32_t slot) const { return slot < slots_.size() ? &slots_[slot] : nullptr; }

 private:
  std::vector<Slot> slots_;
};

/// Lets the job use the memory of a tensor.
Status fill(const Slots::Slot* slot, TF_Tensor* tensor) {
  if (!slot) return failure(Code::kInternal, "A tensor was staged for a field that there is not");
  if (!tensor) return failure(Code::kMemory, "TensorFlow has no memory for %s", slot->name);
  const int type = api.TensorType(tensor);
  const DType dtype = type == kInt32 ? DType::kInt32 : DType::kFloat32;
  if ((type != kFloat && type != kInt32) || !accepts(slot->accept, dtype)) {
    return failure(Code::kDType, "Unexpected dtype for %s", slot->name);
  }
  View& view = *slot->view;
  view.data = api.TensorData(tensor);
  view.size = int64_t(api.TensorByteSize(tensor) / element_size(dtype));
  view.dtype = dtype;
  view.given = true;
  return {};
}

Status run_staged(StagedJob& job, TF_OpKernelContext* context, HeldTensors& held) {
  Slots slots;
  std::visit([&](auto& request) { fields(request, slots); }, job.request);
  StatusHolder status;
  int index = 1;
  for (const OpenView& input : job.inputs) {
    TF_Tensor* tensor = nullptr;
    api.GetInput(context, index++, &tensor, status.status);
    if (!status.ok()) return failure(Code::kInternal, "TensorFlow: %.200s", api.Message(status.status));
    CUTLOSS_TRY(fill(slots.at(input.slot), held.hold(tensor)));
  }
  index = 0;
  for (const OpenView& output : job.outputs) {
    const Slots::Slot* slot = slots.at(output.slot);
    size_t bytes = sizeof(float);
    for (const int64_t axis : output.shape) bytes *= size_t(axis);
    const int type = slot && slot->accept == Accept::kInt32 ? kInt32 : kFloat;
    TF_Tensor* tensor =
        api.AllocateOutput(context, index++, type, output.shape.data(), int(output.shape.size()), bytes, status.status);
    held.hold(tensor);
    if (!status.ok()) return failure(Code::kMemory, "TensorFlow: %.200s", api.Message(status.status));
    CUTLOSS_TRY(fill(slot, tensor));
  }
  Cancel never;
  return job.engine->run(job.request, never);
}

void compute(void*, TF_OpKernelContext* context) {
  StatusHolder problem;
  const auto fail = [&](const char* message) {
    api.SetStatus(problem.status, kInvalidArgument, message);
    api.OpKernelContext_Failure(context, problem.status);
  };
  HeldTensors held;
  TF_Tensor* number = nullptr;
  api.GetInput(context, 0, &number, problem.status);
  held.hold(number);
  if (!problem.ok() || !number || api.TensorByteSize(number) != sizeof(int32_t)) return fail("Expected a job's number");
  int32_t staged;
  std::memcpy(&staged, api.TensorData(number), sizeof staged);
  StagedJob* job = staged_job(staged);
  if (!job || job->ran) return fail("Expected a job that is staged: this operation is for cutloss/tfjs alone");
  job->ran = true;
  job->status = run_staged(*job, context, held);
  if (!job->status.ok()) fail(job->status.message);
}

void unknown_shape(TF_ShapeInferenceContext* context, TF_Status* status) {
  api.ShapeInferenceContextSetUnknownShape(context, status);
}

/// A copy of this addon has an operation of its own, whose name says which: TensorFlow aborts where a name is taken.
std::string own_name() {
  char name[64];
  std::snprintf(name, sizeof name, "CutlossJob%llx",
                static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(&api)));
  return name;
}

Status register_here(const std::string& name) {
  TF_OpDefinitionBuilder* op = api.NewOpDefinitionBuilder(name.c_str());
  for (const char* attr : {"F: int >= 0", "I: int >= 0", "G: int >= 0", "J: int >= 0"}) {
    api.OpDefinitionBuilderAddAttr(op, attr);
  }
  for (const char* input : {"job: int32", "floats: F * float", "ints: I * int32"}) {
    api.OpDefinitionBuilderAddInput(op, input);
  }
  for (const char* output : {"float_outputs: G * float", "int_outputs: J * int32"}) {
    api.OpDefinitionBuilderAddOutput(op, output);
  }
  api.OpDefinitionBuilderSetIsStateful(op, true);
  api.OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shape);
  StatusHolder status;
  api.RegisterOpDefinition(op, status.status);
  if (!status.ok()) return failure(Code::kLoad, "TensorFlow: %.200s", api.Message(status.status));

  TF_KernelBuilder* kernel = api.NewKernelBuilder(
      name.c_str(), "CPU", [](TF_OpKernelConstruction*) -> void* { return nullptr; }, compute, [](void*) {});
  api.RegisterKernelBuilder(name.c_str(), kernel, status.status);
  if (!status.ok()) return failure(Code::kLoad, "TensorFlow: %.200s", api.Message(status.status));
  return {};
}

}  // namespace

Status register_op(std::string* name) {
  static std::mutex mutex;
  static bool registered = false;
  static Status outcome;
  *name = own_name();
  std::lock_guard lock(mutex);
  if (registered) return outcome;
  CUTLOSS_TRY(find(&api));
  registered = true;
  return outcome = register_here(*name);
}

int32_t stage(std::unique_ptr<StagedJob> job) {
  static int32_t last = 0;
  std::lock_guard lock(staged_mutex);
  auto& jobs = staged_jobs();
  do {
    last = last == INT32_MAX ? 1 : last + 1;
  } while (jobs.contains(last));
  jobs[last] = std::move(job);
  return last;
}

std::unique_ptr<StagedJob> unstage(int32_t number) {
  std::lock_guard lock(staged_mutex);
  auto node = staged_jobs().extract(number);
  return node ? std::move(node.mapped()) : nullptr;
}

}  // namespace cutloss::tensorflow
