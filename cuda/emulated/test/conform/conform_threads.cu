// Shuffles, votes, reductions, barriers, atomics, cp.async, cached accesses and approximate functions.
#include <algorithm>
#include <cmath>
#include <functional>

#include "cuda/emulated/test/conform/conform.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/cp_async.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/memory.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

// One row of 32 numbers per operation.
enum Row {
  kIndex,
  kIndex8,
  kUp,
  kUp16,
  kDown,
  kXor,
  kBallot,
  kAny,
  kAll,
  kMatch,
  kAdd,
  kMin,
  kMax,
  kOr,
  kHalfMask,
  kRows
};

__global__ void warp_operations(int* out) {
  const int lane = threadIdx.x, value = lane * lane - 100;
  int* mine = out + lane;
  mine[kIndex * 32] = __shfl_sync(~0u, value, 5);
  mine[kIndex8 * 32] = __shfl_sync(~0u, value, lane + 3, 8);
  mine[kUp * 32] = __shfl_up_sync(~0u, value, 3);
  mine[kUp16 * 32] = __shfl_up_sync(~0u, value, 3, 16);
  mine[kDown * 32] = __shfl_down_sync(~0u, value, 7);
  mine[kXor * 32] = __shfl_xor_sync(~0u, value, 9);
  mine[kBallot * 32] = static_cast<int>(__ballot_sync(~0u, lane % 3 == 0));
  mine[kAny * 32] = __any_sync(~0u, lane == 31);
  mine[kAll * 32] = __all_sync(~0u, lane != 31);
  mine[kMatch * 32] = static_cast<int>(__match_any_sync(~0u, lane % 5));
  mine[kAdd * 32] = __reduce_add_sync(~0u, value);
  mine[kMin * 32] = __reduce_min_sync(~0u, value);
  mine[kMax * 32] = __reduce_max_sync(~0u, value);
  mine[kOr * 32] = static_cast<int>(__reduce_or_sync(~0u, 1u << lane % 7));
  mine[kHalfMask * 32] = lane < 16 ? __shfl_xor_sync(0xffffu, value, 1) : 0;
}

void check_warp(Conform& conform) {
  const DeviceArray<int> out(size_t{kRows * 32});
  check(launch(warp_operations, 1, 32, 0, nullptr, out.data()), "launch");
  const std::vector<int> got = out.get();
  const auto value = [](int lane) { return lane * lane - 100; };
  const auto agrees = [&](Row row, const std::function<int(int)>& want) {
    for (int lane = 0; lane < 32; lane++)
      if (got[static_cast<size_t>(row * 32 + lane)] != want(lane)) return false;
    return true;
  };
  conform.expect(agrees(kIndex, [&](int) { return value(5); }), "__shfl_sync");
  conform.expect(agrees(kIndex8, [&](int l) { return value(l / 8 * 8 + (l + 3) % 8); }), "__shfl_sync, width 8");
  conform.expect(agrees(kUp, [&](int l) { return value(l < 3 ? l : l - 3); }), "__shfl_up_sync");
  conform.expect(agrees(kUp16, [&](int l) { return value(l % 16 < 3 ? l : l - 3); }), "__shfl_up_sync, width 16");
  conform.expect(agrees(kDown, [&](int l) { return value(l > 24 ? l : l + 7); }), "__shfl_down_sync");
  conform.expect(agrees(kXor, [&](int l) { return value(l ^ 9); }), "__shfl_xor_sync");
  conform.expect(agrees(kBallot, [](int) { return 0x49249249; }), "__ballot_sync");
  conform.expect(agrees(kAny, [](int) { return 1; }) && agrees(kAll, [](int) { return 0; }), "__any_sync, __all_sync");
  conform.expect(agrees(kMatch,
                        [](int lane) {
                          unsigned mask = 0;
                          for (int other = lane % 5; other < 32; other += 5) mask |= 1u << other;
                          return static_cast<int>(mask);
                        }),
                 "__match_any_sync");
  conform.expect(agrees(kAdd, [](int) { return 31 * 32 * 63 / 6 - 3200; }), "__reduce_add_sync");
  conform.expect(agrees(kMin, [](int) { return -100; }) && agrees(kMax, [](int) { return 861; }),
                 "__reduce_min/max_sync");
  conform.expect(agrees(kOr, [](int) { return 127; }), "__reduce_or_sync");
  conform.expect(agrees(kHalfMask, [&](int l) { return l < 16 ? value(l ^ 1) : 0; }), "a shuffle among half the lanes");
}

// A producer warp hands numbers to three consumer warps through a named barrier, which hand them back through another.
__global__ void hand_over(int* out) {
  int* shared = ptx::shared_arena<int>();
  const int thread = threadIdx.x;
  if (thread < 32) {
    for (int round = 0; round < 4; round++) {
      shared[thread] = round * 100 + thread;
      ptx::barrier_arrive(1, 128);
      ptx::barrier_sync(2, 128);
    }
  } else {
    int sum = 0;
    for (int round = 0; round < 4; round++) {
      ptx::barrier_sync(1, 128);
      sum += shared[thread % 32];
      ptx::barrier_arrive(2, 128);
    }
    out[thread - 32] = sum;
  }
  const int odd = __syncthreads_count(thread % 2);
  const int any = __syncthreads_or(thread == 77), all = __syncthreads_and(thread != 77);
  if (thread == 0) out[96] = odd * 100 + any * 10 + all;
}

void check_barriers(Conform& conform) {
  const DeviceArray<int> out(size_t{97});
  check(launch(hand_over, 1, 128, 128, nullptr, out.data()), "launch");
  const std::vector<int> got = out.get();
  bool right = true;
  for (int i = 0; i < 96; i++) right &= got[static_cast<size_t>(i)] == 600 + 4 * (i % 32);
  conform.expect(right, "bar.sync and bar.arrive");
  conform.expect(got[96] == 6410, "__syncthreads_count, _or, _and");
}

__global__ void atomics(int* i, unsigned* u, float* f, unsigned long long* l) {
  const int thread = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&i[0], thread);
  atomicMin(&i[1], -thread);
  atomicMax(&i[2], thread);
  atomicSub(&i[3], 2);
  atomicOr(&u[0], 1u << thread % 32);
  atomicAnd(&u[1], ~(1u << thread % 31));
  atomicXor(&u[2], 1u << thread % 5);
  atomicInc(&u[3], 9);
  atomicAdd(&f[0], 0.5f);
  atomicAdd(&l[0], 1ull << 33);
  atomicMax(&l[1], static_cast<unsigned long long>(thread) << 40);
  for (unsigned seen = u[4], expected; true;) {  // counts up by compare-and-swap
    expected = seen;
    seen = atomicCAS(&u[4], expected, expected + 1);
    if (seen == expected) break;
  }
  if (thread == 3) atomicExch(&u[5], 17u);
}

void check_atomics(Conform& conform) {
  const DeviceArray<int> i(std::vector<int>{0, 0, 0, 0});
  const DeviceArray<unsigned> u(std::vector<unsigned>{0, ~0u, 0, 0, 0, 0});
  const DeviceArray<float> f(std::vector<float>{0});
  const DeviceArray<unsigned long long> l(std::vector<unsigned long long>{0, 0});
  check(launch(atomics, 4, 64, 0, nullptr, i.data(), u.data(), f.data(), l.data()), "launch");
  conform.expect(i.get() == std::vector<int>{255 * 128, -255, 255, -512}, "atomicAdd, Min, Max, Sub on int");
  // 256 threads: bits 0 to 4 are flipped 52, 51, 51, 51 and 51 times; 256 steps of a counter modulo 10 end at 6.
  conform.expect(u.get() == std::vector<unsigned>{~0u, 1u << 31, 0x1e, 6, 256, 17},
                 "atomicOr, And, Xor, Inc, CAS, Exch on unsigned");
  conform.expect(f.get()[0] == 128.f, "atomicAdd on float");
  conform.expect(l.get() == std::vector<unsigned long long>{256ull << 33, 255ull << 40}, "atomicAdd, Max on 64 bits");
}

__global__ void copies(const uint4* in, uint4* out, float4* numbers) {
  uint4* shared = ptx::shared_arena<uint4>();
  const int thread = threadIdx.x;
  ptx::cp_async_16(&shared[thread], &in[thread]);
  ptx::cp_async_commit();
  ptx::cp_async_16(&shared[64 + thread], &in[thread], thread % 17);  // 0 to 16 bytes, then zeros
  ptx::cp_async_commit();
  ptx::cp_async_wait<1>();
  ptx::store_streaming(&out[thread], shared[thread]);
  ptx::cp_async_wait<0>();
  ptx::store_streaming(&out[64 + thread], shared[64 + thread]);
  ptx::store_streaming(&out[128 + thread], ptx::load_streaming(&in[thread]));
  ptx::store_streaming(&out[192 + thread], ptx::load_cached(&in[thread]));
  ptx::store_streaming(&numbers[64 + thread], ptx::load_streaming(&numbers[thread]));
}

void check_copies(Conform& conform) {
  std::vector<uint4> in(64);
  auto* words = reinterpret_cast<unsigned*>(in.data());
  for (unsigned i = 0; i < 256; i++) words[i] = i * 2654435761u | 0x01010101u;
  const DeviceArray<uint4> din(in), dout(size_t{256});
  const DeviceArray<float4> numbers(std::vector<float4>(128, make_float4(1, 2, 3, 4)));
  check(launch(copies, 1, 64, 2048, nullptr, din.data(), dout.data(), numbers.data()), "launch");
  const std::vector<uint4> got = dout.get();
  const auto bytes = [](const uint4& v) { return reinterpret_cast<const unsigned char*>(&v); };
  bool whole = true, partial = true, cached = true;
  for (size_t i = 0; i < 64; i++) {
    whole &= memcmp(&got[i], &in[i], 16) == 0;
    cached &= memcmp(&got[128 + i], &in[i], 16) == 0 && memcmp(&got[192 + i], &in[i], 16) == 0;
    for (size_t b = 0; b < 16; b++) partial &= bytes(got[64 + i])[b] == (b < i % 17 ? bytes(in[i])[b] : 0);
  }
  conform.expect(whole, "cp.async of 16 bytes");
  conform.expect(partial, "cp.async of fewer bytes and zeros");
  conform.expect(cached && numbers.get()[100].w == 4, "streaming and cached loads, streaming stores");
}

__global__ void functions(const float* x, float* y, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  y[i] = ptx::exp2_approx(x[i]);
  y[count + i] = ptx::log2_approx(fabsf(x[i]));
  y[2 * count + i] = ptx::rcp_approx(x[i]);
  y[3 * count + i] = ptx::tanh_approx(x[i]);
}

void check_functions(Conform& conform) {
  constexpr size_t kCount = 2000;
  std::vector<float> x;
  for (size_t i = 0; i < kCount; i++) x.push_back((static_cast<float>(i) - 999.5f) / 8.f);
  const DeviceArray<float> dx(x), dy(4 * kCount);
  check(launch(functions, (kCount + 127) / 128, 128, 0, nullptr, dx.data(), dy.data(), static_cast<int>(kCount)),
        "launch");
  const std::vector<float> y = dy.get();
  double exp2_error = 0, log2_error = 0, rcp_error = 0, tanh_error = 0;
  const auto relative = [](double got, double want) { return fabs(got - want) / fabs(want); };
  for (size_t i = 0; i < kCount; i++) {
    exp2_error = std::max(exp2_error, relative(y[i], exp2(double{x[i]})));
    log2_error = std::max(log2_error, fabs(y[kCount + i] - log2(fabs(double{x[i]}))));
    rcp_error = std::max(rcp_error, relative(y[2 * kCount + i], 1 / double{x[i]}));
    tanh_error = std::max(tanh_error, relative(y[3 * kCount + i], tanh(double{x[i]})));
  }
  conform.expect(exp2_error < 0x1p-21, "ex2.approx");
  conform.expect(log2_error < 0x1p-20, "lg2.approx");
  conform.expect(rcp_error < 0x1p-22, "rcp.approx");
  conform.expect(tanh_error < 0x1p-10, "tanh.approx");

  const DeviceArray<float> edges(std::vector<float>{-INFINITY, -130.f, 128.f, INFINITY}), at_edges(size_t{16});
  check(launch(functions, 1, 32, 0, nullptr, edges.data(), at_edges.data(), 4), "launch");
  const std::vector<float> e = at_edges.get();
  conform.expect(e[0] == 0 && e[1] == 0 && e[2] == INFINITY && e[3] == INFINITY,
                 "ex2.approx: limits, subnormals flushed");
}

}  // namespace

int main() {
  need_device(80);
  Conform conform;
  check_warp(conform);
  check_barriers(conform);
  check_atomics(conform);
  check_copies(conform);
  check_functions(conform);
  return conform.exit_code();
}
