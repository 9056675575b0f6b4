// CUDA's keywords for a compiler that does not know them. __shared__ is refused on purpose: kernels of this
// project take shared memory from one dynamic arena (ptx::shared_arena), whose bounds the emulator can watch.
#pragma once

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __forceinline__ inline
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ use_the_dynamic_shared_memory_arena_instead_of_static_shared_variables
