// Planted bugs of kernels that use threads, barriers, shuffles and atomics only.
#include <vector>

#include "cuda/emulated/test/device_array.h"
#include "cuda/emulated/test/planted.h"
#include "cuda/launch.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/memory.h"

using namespace cutloss;
using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

constexpr int kThreads = 128;

template <class Kernel, class... Arguments>
void start(Kernel kernel, int blocks, int threads, size_t shared_bytes, Arguments... arguments) {
  check(launch(kernel, blocks, threads, shared_bytes, 0, arguments...), "launch");
}

// Runs a kernel that writes one int per thread and compares with what the thread should have written.
template <class Kernel, class Want>
bool per_thread(Kernel kernel, int blocks, int threads, size_t shared_bytes, Want want) {
  DeviceArray<int> out(static_cast<size_t>(blocks * threads));
  start(kernel, blocks, threads, shared_bytes, out.data());
  const std::vector<int> values = out.get();
  for (int i = 0; i < blocks * threads; i++)
    if (values[static_cast<size_t>(i)] != want(i)) return false;
  return true;
}

// ---- barriers

template <bool kBug>
__global__ void reverse(int* out) {
  int* shared = ptx::shared_arena<int>();
  shared[threadIdx.x] = threadIdx.x;
  if (!kBug) __syncthreads();
  out[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

template <bool kBug>
__global__ void reuse(int* out) {
  int* shared = ptx::shared_arena<int>();
  int sum = 0;
  for (int round = 0; round < 3; round++) {
    shared[threadIdx.x] = threadIdx.x + round;
    __syncthreads();
    sum += shared[(threadIdx.x + 32) % kThreads];
    if (!kBug) __syncthreads();
  }
  out[threadIdx.x] = sum;
}

template <bool kBug>
__global__ void warp_exchange(int* out) {
  int* shared = ptx::shared_arena<int>();
  shared[threadIdx.x] = threadIdx.x;
  if (!kBug) __syncwarp();
  out[threadIdx.x] = shared[threadIdx.x ^ 1];
}

// A shuffle is not a barrier for memory, although it happens to look like one.
template <bool kBug>
__global__ void shuffle_as_barrier(int* out) {
  int* shared = ptx::shared_arena<int>();
  shared[threadIdx.x] = threadIdx.x;
  const int other = __shfl_xor_sync(~0u, static_cast<int>(threadIdx.x), 1);
  if (!kBug) __syncwarp();
  out[threadIdx.x] = shared[other];
}

template <bool kBug>
__global__ void divergent_barrier(int* out) {
  if (kBug && threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = threadIdx.x;
}

template <bool kBug>
__global__ void two_barriers_on_a_line(int* out) {
  // clang-format off
  if (kBug && threadIdx.x % 2) { __syncthreads(); } else { __syncthreads(); }
  // clang-format on
  out[threadIdx.x] = threadIdx.x;
}

template <bool kBug>
__global__ void early_exit(int* out) {
  out[threadIdx.x] = threadIdx.x;
  if (kBug && threadIdx.x >= 96) return;
  __syncthreads();
}

template <bool kBug>
__global__ void conditional_barrier(int* out) {
  out[threadIdx.x] = threadIdx.x;
  if (!kBug || threadIdx.x != 7) __syncthreads();
  if (kBug && threadIdx.x == 7) __syncwarp();
}

template <bool kBug>
__global__ void named_barrier_count(int* out) {
  int* shared = ptx::shared_arena<int>();
  const bool producer = threadIdx.x < 64;
  if (producer) {
    shared[threadIdx.x] = threadIdx.x;
    ptx::barrier_arrive(1, kThreads);
  } else {
    ptx::barrier_sync(1, kBug ? 96 : kThreads);
  }
  out[threadIdx.x] = producer ? static_cast<int>(threadIdx.x) : shared[threadIdx.x - 64];
}

template <bool kBug>
__global__ void named_barrier_id(int* out) {
  const int id = kBug && threadIdx.x >= 64 ? 2 : 1;
  ptx::barrier_sync(id, kThreads);
  out[threadIdx.x] = threadIdx.x;
}

// One warp arrives without waiting and reads all the same.
template <bool kBug>
__global__ void arrive_without_wait(int* out) {
  int* shared = ptx::shared_arena<int>();
  shared[threadIdx.x] = threadIdx.x;
  if (kBug && threadIdx.x >= 96)
    ptx::barrier_arrive(1, kThreads);
  else
    ptx::barrier_sync(1, kThreads);
  out[threadIdx.x] = shared[(threadIdx.x + 32) % kThreads];
}

// ---- warp operations

template <bool kBug>
__global__ void partial_mask(int* out) {
  int value = threadIdx.x;
  if (threadIdx.x % 32 < 16) value = __shfl_xor_sync(kBug ? ~0u : 0xffffu, value, 1);
  out[threadIdx.x] = value;
}

template <bool kBug>
__global__ void shuffle_from_outside(int* out) {
  int value = threadIdx.x;
  if (threadIdx.x % 32 < 16) value = __shfl_sync(0xffffu, value, kBug ? 20 : 3);
  out[threadIdx.x] = value;
}

template <bool kBug>
__global__ void exited_lane(int* out) {
  out[threadIdx.x] = threadIdx.x;
  if (threadIdx.x % 32 >= 24) return;
  out[threadIdx.x] = __shfl_xor_sync(kBug ? ~0u : 0xffffffu, static_cast<int>(threadIdx.x), 1);
}

template <bool kBug>
__global__ void different_operations(int* out) {
  int value = 0;
  if (kBug && threadIdx.x % 2)
    value = __any_sync(~0u, 1);
  else
    value = __shfl_sync(~0u, 1, 0);
  out[threadIdx.x] = value;
}

// ---- bounds

template <bool kBug>
__global__ void edge_tile(const int* in, int* out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (kBug || i < count) out[i % count] = in[i] + 1;
}

template <bool kBug>
bool run_edge_tile(int count) {
  std::vector<int> values(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) values[static_cast<size_t>(i)] = i;
  DeviceArray<int> in(values), out(values.size());
  start(edge_tile<kBug>, (count + kThreads) / kThreads, kThreads, 0, in.data(), out.data(), count);
  const std::vector<int> got = out.get();
  for (int i = 0; i < count; i++)
    if (got[static_cast<size_t>(i)] != i + 1) return false;
  return true;
}

template <bool kBug>
__global__ void write_behind(int* out) {
  out[threadIdx.x] = threadIdx.x;
  if (kBug && threadIdx.x == 0) out[kThreads - 28] = 1;
}

template <bool kBug>
__global__ void write_before(int* out) {
  out[threadIdx.x] = threadIdx.x;
  if (kBug && threadIdx.x == 0) out[-1] = 1;
}

template <bool kBug>
__global__ void shared_overflow(int* out) {
  int* shared = ptx::shared_arena<int>();
  shared[threadIdx.x + (kBug ? 1 : 0)] = 5;
  out[threadIdx.x] = shared[threadIdx.x + (kBug ? 1 : 0)];
}

template <bool kBug>
__global__ void unwritten_shared(int* out) {
  int* shared = ptx::shared_arena<int>();
  if (!kBug || threadIdx.x < 64) shared[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

// ---- atomics

template <bool kBug>
__global__ void count_up(int* counter) {
  if (kBug)
    *counter = *counter + 1;
  else
    atomicAdd(counter, 1);
}

template <bool kBug>
bool run_count_up() {
  DeviceArray<int> counter(std::vector<int>{0});
  start(count_up<kBug>, 4, kThreads, 0, counter.data());
  return counter.get()[0] == 4 * kThreads;
}

// Each thread pushes itself onto a list; a lost compare-and-swap loses an element.
template <bool kBug>
__global__ void push_list(int* head, int* next) {
  const int me = blockIdx.x * blockDim.x + threadIdx.x;
  int expected = atomicAdd(head, 0);
  for (;;) {
    next[me] = expected;
    const int seen = atomicCAS(head, expected, me);
    if (kBug || seen == expected) return;
    expected = seen;
  }
}

template <bool kBug>
bool run_push_list() {
  constexpr int kElements = 2 * kThreads;
  DeviceArray<int> head(std::vector<int>{-1}), next(static_cast<size_t>(kElements));
  start(push_list<kBug>, 2, kThreads, 0, head.data(), next.data());
  const std::vector<int> links = next.get();
  int length = 0;
  for (int i = head.get()[0]; i >= 0 && length <= kElements; i = links[static_cast<size_t>(i)]) length++;
  return length == kElements;
}

template <bool kBug>
__global__ void shared_counter(int* out) {
  int* counter = ptx::shared_arena<int>();
  if (threadIdx.x == 0) *counter = 0;
  if (!kBug) __syncthreads();
  atomicAdd(counter, 1);
  __syncthreads();
  out[threadIdx.x] = *counter;
}

template <bool kBug>
__global__ void read_shared_counter(int* out) {
  int* counter = ptx::shared_arena<int>();
  if (threadIdx.x == 0) *counter = 0;
  __syncthreads();
  atomicAdd(counter, 1);
  if (!kBug) __syncthreads();
  out[threadIdx.x] = *counter;
}

// ---- the table

int identity(int i) { return i; }

#define CUTLOSS_PER_THREAD(kernel, threads, shared_bytes, want) \
  [](bool bug) { return per_thread(bug ? kernel<true> : kernel<false>, 1, threads, size_t{shared_bytes}, want); }

const Case kCases[] = {
    {"no barrier between write and read", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(reverse, kThreads, 512, [](int i) { return kThreads - 1 - i; })},
    {"no barrier before a buffer is reused", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(reuse, kThreads, 512, [](int i) { return (i + 32) % kThreads * 3 + 3; })},
    {"no __syncwarp between lanes", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(warp_exchange, kThreads, 512, [](int i) { return i ^ 1; })},
    {"a shuffle in place of __syncwarp", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(shuffle_as_barrier, kThreads, 512, [](int i) { return i ^ 1; })},
    {"divergent __syncthreads", Caught::kAlways, "divergent __syncthreads()",
     CUTLOSS_PER_THREAD(divergent_barrier, kThreads, 0, identity)},
    {"divergent __syncthreads on one line", Caught::kAlways, "divergent __syncthreads()",
     CUTLOSS_PER_THREAD(two_barriers_on_a_line, kThreads, 0, identity)},
    {"threads exit before __syncthreads", Caught::kAlways, "exit",
     CUTLOSS_PER_THREAD(early_exit, kThreads, 0, identity)},
    {"a thread skips __syncthreads", Caught::kAlways, "in different operations|deadlock|exit",
     CUTLOSS_PER_THREAD(conditional_barrier, kThreads, 0, identity)},
    {"named barrier: different counts", Caught::kAlways, "different counts",
     CUTLOSS_PER_THREAD(named_barrier_count, kThreads, 512, [](int i) { return i % 64; })},
    {"named barrier: different ids", Caught::kAlways, "deadlock",
     CUTLOSS_PER_THREAD(named_barrier_id, kThreads, 0, identity)},
    {"named barrier: arrival without a wait", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(arrive_without_wait, kThreads, 512, [](int i) { return (i + 32) % kThreads; })},
    {"a mask names lanes that do not come", Caught::kAlways, "exits while its warp waits|have exited",
     CUTLOSS_PER_THREAD(partial_mask, kThreads, 0, [](int i) { return i % 32 < 16 ? i ^ 1 : i; })},
    {"a shuffle reads a lane outside the mask", Caught::kAlways, "does not take part",
     CUTLOSS_PER_THREAD(shuffle_from_outside, kThreads, 0, [](int i) { return i % 32 < 16 ? i / 32 * 32 + 3 : i; })},
    {"a mask names lanes that have exited", Caught::kAlways, "exit",
     CUTLOSS_PER_THREAD(exited_lane, kThreads, 0, [](int i) { return i % 32 < 24 ? i ^ 1 : i; })},
    {"lanes in different warp operations", Caught::kAlways, "different operations",
     CUTLOSS_PER_THREAD(different_operations, kThreads, 0, [](int) { return 1; })},
    {"edge tile without a mask", Caught::kAlways, "outside global memory",
     [](bool bug) { return bug ? run_edge_tile<true>(64 * 3) : run_edge_tile<false>(64 * 3); }},
    {"edge tile without a mask, four bytes too far", Caught::kByBounds, "outside global memory",
     [](bool bug) { return bug ? run_edge_tile<true>(127) : run_edge_tile<false>(127); }},
    {"a write behind global memory", Caught::kAlways, "outside", CUTLOSS_PER_THREAD(write_behind, 100, 0, identity)},
    {"a write before global memory", Caught::kAlways, "outside",
     CUTLOSS_PER_THREAD(write_before, kThreads, 0, identity)},
    {"a write behind shared memory", Caught::kAlways, "beyond the end of shared memory",
     CUTLOSS_PER_THREAD(shared_overflow, kThreads, 512, [](int) { return 5; })},
    {"shared memory that nobody wrote", Caught::kAlways, nullptr,
     CUTLOSS_PER_THREAD(unwritten_shared, kThreads, 512, [](int) { return 1; })},
    {"plain increment for an atomic", Caught::kBySomeSchedule, nullptr,
     [](bool bug) { return bug ? run_count_up<true>() : run_count_up<false>(); }},
    {"a lost compare-and-swap", Caught::kBySomeSchedule, nullptr,
     [](bool bug) { return bug ? run_push_list<true>() : run_push_list<false>(); }},
    {"no barrier before atomics on a fresh counter", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(shared_counter, kThreads, 4, [](int) { return kThreads; })},
    {"no barrier after atomics on a counter", Caught::kByRaceCheck, "data race",
     CUTLOSS_PER_THREAD(read_shared_counter, kThreads, 4, [](int) { return kThreads; })},
};

}  // namespace

int main(int argc, char** argv) { return run_planted(kCases, argc, argv); }
