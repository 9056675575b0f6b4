// Conformance programs run every wrapped instruction and compare with a description of it that shares no code with
// the emulator: layouts are CuTe's (shape and stride), swizzles are tables, rounding is done in float64. They build for
// the emulator and for nvcc, and are the first thing to run on a GPU: if one fails there, the emulator is wrong.
#pragma once
#include <cstdio>
#include <vector>

#include "cuda/emulated/test/device_array.h"
#include "cuda/emulated/test/half.h"
#include "cuda/launch.h"

namespace cutloss::emulated::test {

// A CuTe layout with its modes written flat: an index is split by the shape, first mode fastest, and dotted with the
// strides.
struct Layout {
  int modes;
  int shape[6], stride[6];

  __host__ __device__ constexpr int operator()(int index) const {
    int offset = 0;
    for (int i = 0; i < modes; i++) {
      offset += index % shape[i] * stride[i];
      index /= shape[i];
    }
    return offset;
  }
};

class Conform {
 public:
  void expect(bool right, const char* what) {
    printf("%-64s %s\n", what, right ? "ok" : "WRONG");
    if (!right) failed_ = true;
  }
  int exit_code() const { return failed_ ? 1 : 0; }

 private:
  bool failed_ = false;
};

// Exits with code 4 if there is nothing to run on, or too old a device.
inline void need_device(int compute_capability) {
  int count = 0;
  cudaDeviceProp properties;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    printf("no CUDA device\n");
    exit(4);
  }
  check(cudaGetDeviceProperties(&properties, 0), "device properties");
  if (properties.major * 10 + properties.minor >= compute_capability) return;
  printf("needs compute capability %d\n", compute_capability);
  exit(4);
}

}  // namespace cutloss::emulated::test
