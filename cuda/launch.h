// The one way to start a kernel, on a GPU and in the emulator: launch(kernel, grid, block, shared_bytes, stream,
// arguments...). Arguments are converted to the kernel's parameter types. launch_cluster adds the cluster's shape
// (compute capability 9.0). Kernels take dynamic shared memory only, through ptx::shared_arena.
#pragma once
#include <cuda_runtime.h>

#include <cstddef>

#ifdef CUTLOSS_EMULATED
#include <tuple>

#include "cuda/emulated/runtime/launch.h"
#endif

namespace cutloss::cuda {

#ifdef CUTLOSS_EMULATED

template <class... Parameters, class... Arguments>
cudaError_t launch_cluster(void (*kernel)(Parameters...), dim3 grid, dim3 block, dim3 cluster, size_t shared_bytes,
                           cudaStream_t, Arguments... arguments) {
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> arguments;
  } call{kernel, std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)};
  emulated::Launch launch;
  launch.grid = grid;
  launch.block = block;
  launch.cluster = cluster;
  launch.shared_bytes = shared_bytes;
  launch.arguments = &call;
  launch.kernel = [](void* p) {
    const Call& call = *static_cast<const Call*>(p);
    std::apply(call.kernel, call.arguments);
  };
  return emulated::run(launch) ? cudaSuccess : cudaErrorInvalidConfiguration;
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                   Arguments... arguments) {
  return launch_cluster(kernel, grid, block, dim3(1), shared_bytes, stream, arguments...);
}

#else

// What a kernel may use without asking for more.
inline constexpr size_t kDefaultSharedBytes = 48 * 1024;

template <class... Parameters, class... Arguments>
cudaError_t launch_cluster(void (*kernel)(Parameters...), dim3 grid, dim3 block, dim3 cluster, size_t shared_bytes,
                           cudaStream_t stream, Arguments... arguments) {
  if (shared_bytes > kDefaultSharedBytes) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return error;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  cudaLaunchAttribute shape;
  shape.id = cudaLaunchAttributeClusterDimension;
  shape.val.clusterDim.x = cluster.x;
  shape.val.clusterDim.y = cluster.y;
  shape.val.clusterDim.z = cluster.z;
  config.attrs = &shape;
  config.numAttrs = cluster.x * cluster.y * cluster.z > 1 ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                   Arguments... arguments) {
  return launch_cluster(kernel, grid, block, dim3(1), shared_bytes, stream, arguments...);
}

#endif

}  // namespace cutloss::cuda
