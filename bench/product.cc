// The bare product hidden · classifierᵀ of the CPU engine, stored, without a loss: what the losses on cut logits are
// held against. Reads "rows dim classes dtype" per line, answers with seconds as JSON (see peer.mjs).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cpu/cut_rows/cut_logits.h"
#include "math/float16.h"

using namespace cutloss;

namespace {

constexpr int64_t kChunkRows = 1024;
constexpr int64_t kLine = 16;  // floats of a line of the cache, where the engine's memory begins

float* from_line(std::vector<float>& memory) {
  void* first = memory.data();
  size_t room = memory.size() * sizeof(float);
  return static_cast<float*>(std::align(kLine * sizeof(float), 1, first, room));
}

View some_matrix(int64_t rows, int64_t dim, DType dtype) {
  View view = {nullptr, rows * dim, dtype, kHost, true};
  view.data = std::aligned_alloc(4096, (view.bytes() + 4095) / 4096 * 4096);
  for (int64_t i = 0; i < view.size; ++i) {
    const float value = float(i % 1999 - 999) / 1024;
    dtype == DType::kFloat32 ? void(view.as<float>()[i] = value) : math::narrow(value, view.as<BFloat16>() + i);
  }
  return view;
}

struct Product {
  CutRowsRequest request;
  std::vector<float> panels, logits;

  Product(int64_t rows, int64_t dim, int64_t classes, DType dtype) {
    request.rows = rows, request.dim = dim, request.classes = classes;
    request.hidden = some_matrix(rows, dim, dtype);
    request.classifier = some_matrix(classes, dim, dtype);
    panels.resize((kChunkRows + 64) * dim + kLine);
  }
  ~Product() {
    std::free(request.hidden.data);
    std::free(request.classifier.data);
  }

  double seconds() {
    const cpu::Level& level = cpu::level();
    const cpu::CutKernels& kernels = level.cut_rows->by_dtype[static_cast<int>(request.hidden.dtype)];
    Cancel never;
    cpu::CutCall call(request, kernels, level, cpu::ThreadPool::shared(), never);
    call.shape.words = kernels.groups.words_of(request.dim);
    const int64_t stride = cpu::chunk_stride(kernels.groups, kChunkRows);
    logits.resize(request.classes * stride + kLine);
    call.b = {};
    call.b.panels = from_line(panels);
    const auto start = std::chrono::steady_clock::now();
    for (int64_t n = 0; n * kChunkRows < request.rows; ++n) {
      const cpu::Range rows = cpu::part_of({0, request.rows}, kChunkRows, n);
      cpu::CutLogits(call).compute(rows, {0, request.classes},
                                   {from_line(logits), request.classes, stride, false, false});
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
};

}  // namespace

int main(int, char** argv) {
  if (!set_threads(std::atoi(argv[1])).ok()) return 1;
  std::printf("{\"version\": \"%s\"}\n", cpu::level().name);
  std::fflush(stdout);
  std::unique_ptr<Product> product;
  std::string made, line;
  while (std::getline(std::cin, line)) {
    if (line != made) {
      long long rows, dim, classes;
      char dtype[16];
      if (std::sscanf(line.c_str(), "%lld %lld %lld %15s", &rows, &dim, &classes, dtype) != 4) return 2;
      product.reset();
      product = std::make_unique<Product>(rows, dim, classes,
                                          std::strcmp(dtype, "float32") == 0 ? DType::kFloat32 : DType::kBFloat16);
      product->seconds();
      made = line;
    }
    std::printf("{\"seconds\": %.6f}\n", product->seconds());
    std::fflush(stdout);
  }
}
