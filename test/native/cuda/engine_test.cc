// The engine around the kernels: devices, memory and its budget, a failure at every allocation, cancelling, copies
// longer than the staging ring.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "cuda/cut_rows/run_cut_rows.h"
#include "cuda/device.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/rows/run_rows.h"
#include "engine/engine.h"
#include "test/native/check.h"
#include "test/native/cuda/engine_calls.h"

using namespace cutloss;
using cutloss::test::CutCall, cutloss::test::RowsCall;

namespace {

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

/// Memory runs out at the k-th allocation, which is asked for a second time once the pool is empty.
template <class Call>
void test_every_failing_allocation(Engine& engine) {
  Call good;
  Cancel never;
  CHECK(good.run(engine, never).ok());
  int failures = 0;
  for (uint64_t k = 1; k < 25; ++k) {
    Call call;
    emulated::device_memory().fail_allocation(k);
    const Status status = call.run(engine, never);
    emulated::device_memory().fail_allocation(0);
    CHECK(status.ok() || (status.code == Code::kMemory && call.untouched()));
    failures += !status.ok();
    CHECK(is_idle(engine));
    Call next;
    CHECK(next.run(engine, never).ok());
    CHECK(next == good);
  }
  CHECK(failures == 0);  // one failure at a time is made good by emptying the pool
}

/// All memory but a little is somebody else's: the call says what it asked for and what is free, and leaves nothing
/// behind.
template <class Call>
void test_little_memory(Engine& engine) {
  constexpr size_t kBudget = 6442450944, kGpu = size_t{4} << 30;
  static_assert(kGpu < kBudget);
  for (const size_t left : {size_t{0}, size_t{100}, size_t{200}}) {
    void* theirs = nullptr;
    CHECK(engine.allocate(kGpu - left, &theirs).ok());
    Call call;
    Cancel never;
    const Status status = call.run(engine, never);
    CHECK(status.code == Code::kMemory && call.untouched());
    CHECK(std::strstr(status.message, "bytes of memory on cuda:0") && std::strstr(status.message, "free"));
    CHECK(engine.memory().bytes == kGpu - left && engine.memory().workspace_bytes == 0);
    engine.release(theirs, kGpu - left);
    CHECK(Call().run(engine, never).ok());
  }
}

template <class Call>
void test_cancel(Engine& engine) {
  Call call;
  Cancel cancel;
  cancel.request();
  CHECK(call.run(engine, cancel).code == Code::kCancelled);
  CHECK(call.untouched());
  CHECK(is_idle(engine));
}

/// 200 calls of two kinds from eight threads give what one call gives alone.
void test_same_bits_together(Engine& engine) {
  RowsCall rows;
  CutCall cut;
  Cancel never;
  CHECK(rows.run(engine, never).ok() && cut.run(engine, never).ok());
  std::atomic<int> same{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        RowsCall rows_again;
        CutCall cut_again;
        same += i % 2 ? rows_again.run(engine, never).ok() && rows_again == rows
                      : cut_again.run(engine, never).ok() && cut_again == cut;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == 200);
  CHECK(is_idle(engine));
}

/// Two streams of one GPU, as two engines would have, whose calls interleave: 200 of both kinds.
void test_two_streams() {
  RowsCall rows;
  CutCall cut;
  Cancel never;
  cuda::Device first, second;
  for (cuda::Device* device : {&first, &second}) {
    CHECK(device->stream.open(0).ok() && device->memory.open().ok());
    device->multiprocessors = 4;
    device->compute_capability = 90;
  }
  const auto run_rows = [&](RowsCall& call, cuda::Device& device) {
    return cuda::run_rows(std::get<RowsRequest>(call.prepared()), device, never).ok();
  };
  const auto run_cut = [&](CutCall& call, cuda::Device& device) {
    return cuda::run_cut_rows(std::get<CutRowsRequest>(call.prepared()), device, never).ok();
  };
  CHECK(run_rows(rows, first) && run_cut(cut, first));
  std::atomic<int> same{0};
  const auto work = [&](cuda::Device& device) {
    for (int i = 0; i < 50; ++i) {
      RowsCall rows_again;
      CutCall cut_again;
      same += run_rows(rows_again, device) && rows_again == rows;
      same += run_cut(cut_again, device) && cut_again == cut;
    }
  };
  std::thread beside(work, std::ref(second));
  work(first);
  beside.join();
  CHECK(same == 200);
  for (cuda::Device* device : {&first, &second}) {
    const MemoryUse use = device->memory.use();
    CHECK(use.bytes == 0 && use.workspace_bytes == 0);
    device->close();
  }
}

/// Every call in a fork of the process is a failure that says so.
void test_fork(Engine& engine) {
  const pid_t child = fork();
  if (child == 0) {
    void* memory = nullptr;
    Cancel never;
    const Status allocated = engine.allocate(64, &memory), ran = RowsCall().run(engine, never);
    const bool told = allocated.code == Code::kCuda && std::strstr(allocated.message, "fork") &&
                      ran.code == Code::kCuda && std::strstr(ran.message, "fork");
    _exit(told ? 0 : 1);
  }
  int ending = -1;
  CHECK(child > 0 && waitpid(child, &ending, 0) == child && WIFEXITED(ending) && WEXITSTATUS(ending) == 0);
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
  test_every_failing_allocation<RowsCall>(*engine);
  test_every_failing_allocation<CutCall>(*engine);
  test_little_memory<RowsCall>(*engine);
  test_little_memory<CutCall>(*engine);
  test_cancel<RowsCall>(*engine);
  test_cancel<CutCall>(*engine);
  test_same_bits_together(*engine);
  test_two_streams();
  test_fork(*engine);
  return test::finish("engine");
}
