// The engine around the kernels: devices, memory and its budget, a failure at every allocation, cancelling, copies
// longer than the staging ring.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cuda/emulated/runtime/device_memory.h"
#include "engine/engine.h"
#include "test/native/check.h"

using namespace cutloss;

namespace {

constexpr int kRows = 5, kClasses = 11;

struct Call {
  std::vector<float> logits = std::vector<float>(kRows * kClasses, 0.25f);
  std::vector<float> gradient = std::vector<float>(kRows * kClasses, -7);
  std::vector<int32_t> targets = {0, 3, 10, 2, 2};
  Request request = RowsRequest{};

  static View host(void* data, size_t size, DType dtype) {
    View view;
    view.data = data;
    view.size = static_cast<int64_t>(size);
    view.dtype = dtype;
    view.given = true;
    return view;
  }
  Status run(Engine& engine, Cancel& cancel) {
    RowsRequest& r = std::get<RowsRequest>(request);
    r.logits = host(logits.data(), logits.size(), DType::kFloat32);
    r.targets = host(targets.data(), targets.size(), DType::kInt32);
    r.gradient = host(gradient.data(), gradient.size(), DType::kFloat32);
    r.rows = kRows;
    r.classes = kClasses;
    return engine.run(request, cancel);
  }
  bool untouched() const {
    for (const float g : gradient) {
      if (g != -7) return false;
    }
    return true;
  }
};

bool is_idle(Engine& engine) {
  const MemoryUse use = engine.memory();
  return use.bytes == 0 && use.workspace_bytes == 0;
}

void test_devices() {
  const char* why = nullptr;
  CHECK(cuda_device_count(&why) == 1);
  Status status;
  CHECK(!cuda_engine(1, &status) && status.code == Code::kDevice);
  CHECK(!cuda_engine(-1, &status) && status.code == Code::kDevice);
  CHECK(cuda_engine(0, &status) == cuda_engine(0, &status));
}

void test_describe(Engine& engine) {
  DeviceInfo info;
  CHECK(engine.describe(&info).ok());
  CHECK(info.name[0] && info.driver[0] && info.total_memory > 0 && info.free_memory <= info.total_memory);
  CHECK(std::strcmp(info.compute_capability, "9.0") == 0);
}

void test_copies(Engine& engine) {
  for (const size_t bytes : {size_t{0}, size_t{1}, (size_t{4} << 20) - 1, size_t{4} << 20, (size_t{21} << 20) + 5}) {
    std::vector<unsigned char> up(bytes), down(bytes, 1);
    for (size_t i = 0; i < bytes; ++i) up[i] = static_cast<unsigned char>(i * 2654435761u >> 13);
    void* memory = nullptr;
    if (!CHECK(engine.allocate(bytes, &memory).ok())) continue;
    CHECK(memory != nullptr);
    CHECK(engine.memory().bytes == bytes);
    CHECK(engine.upload(memory, up.data(), bytes).ok());
    CHECK(engine.download(down.data(), memory, bytes).ok());
    CHECK(up == down);
    engine.release(memory, bytes);
  }
  CHECK(is_idle(engine));
}

/// The emulated GPU has 4 GiB; the budget is set to 6.
void test_budget(Engine& engine) {
  void* memory = nullptr;
  Status status = engine.allocate((size_t{6} << 30) + 1, &memory);
  CHECK(status.code == Code::kMemory && std::strstr(status.message, "budget of 6442450944"));
  status = engine.allocate(size_t{5} << 30, &memory);
  CHECK(status.code == Code::kMemory && std::strstr(status.message, "of 4294967296 are free"));
  CHECK(is_idle(engine));
  const uint64_t peak = engine.memory().peak_bytes;
  CHECK(peak < size_t{1} << 30);
  CHECK(engine.allocate(peak + 1000, &memory).ok());
  CHECK(engine.memory().peak_bytes == peak + 1000);
  engine.release(memory, peak + 1000);
  CHECK(is_idle(engine));
}

/// Memory runs out at the k-th allocation, which is asked for a second time once the pool is empty: that fails too.
void test_every_failing_allocation(Engine& engine) {
  Call good;
  Cancel never;
  CHECK(good.run(engine, never).ok());
  const double loss = std::get<RowsRequest>(good.request).loss;
  int failures = 0;
  for (uint64_t k = 1; k < 20; ++k) {
    Call call;
    emulated::device_memory().fail_allocation(k);
    const Status status = call.run(engine, never);
    emulated::device_memory().fail_allocation(0);
    CHECK(status.ok() || (status.code == Code::kMemory && call.untouched()));
    failures += !status.ok();
    CHECK(is_idle(engine));
    Call next;
    CHECK(next.run(engine, never).ok());
    CHECK(std::get<RowsRequest>(next.request).loss == loss);
    CHECK(next.gradient == good.gradient);
  }
  CHECK(failures == 0);  // one failure at a time is made good by emptying the pool
}

void test_cancel(Engine& engine) {
  Call call;
  Cancel cancel;
  cancel.request();
  CHECK(call.run(engine, cancel).code == Code::kCancelled);
  CHECK(call.untouched());
  CHECK(is_idle(engine));
}

void test_same_bits(Engine& engine) {
  Call first;
  Cancel never;
  CHECK(first.run(engine, never).ok());
  for (int i = 0; i < 20; ++i) {
    Call again;
    CHECK(again.run(engine, never).ok());
    CHECK(again.gradient == first.gradient);
    CHECK(std::get<RowsRequest>(again.request).loss == std::get<RowsRequest>(first.request).loss);
  }
}

}  // namespace

int main() {
  setenv("CUTLOSS_GPU_MEMORY_BUDGET", "6442450944", 1);
  test_devices();
  Status why;
  Engine* engine = cuda_engine(0, &why);
  if (!CHECK(engine != nullptr)) return test::finish("engine");
  test_describe(*engine);
  test_copies(*engine);
  test_budget(*engine);
  test_every_failing_allocation(*engine);
  test_cancel(*engine);
  test_same_bits(*engine);
  return test::finish("engine");
}
