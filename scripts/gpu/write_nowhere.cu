// The GPU is lost to the process: a kernel that writes where nothing is. For test/native/cuda/lost_test.cc.

__global__ void write_nowhere_kernel(int* nowhere) { *nowhere = 1; }

void write_nowhere() {
  write_nowhere_kernel<<<1, 1>>>(reinterpret_cast<int*>(16));
  cudaDeviceSynchronize();  // by then the fault has been noticed
}
