// TMA loads, stores, additions and multicasts, with every swizzle and with tiles that reach outside the matrix; and
// mbarriers between the blocks of a cluster.
#include "cuda/emulated/test/conform/conform.h"
#include "cuda/ptx/barrier.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/tensor_map.h"
#include "cuda/ptx/tma.h"

using namespace cutloss::cuda;
using namespace cutloss::emulated::test;

namespace {

constexpr int kMatrixRows = 50, kMatrixColumns = 84, kPitch = 96;
constexpr int kBoxRows = 32, kMaxTileBytes = kBoxRows * 128;

// Where 16-byte piece p of row r lies, for rows of `pieces` pieces: tables of two rows of the CUDA programming guide.
int place(int r, int p, int pieces) {
  static const int k128[8] = {0, 1, 2, 3, 4, 5, 6, 7}, k64[8] = {0, 0, 1, 1, 2, 2, 3, 3},
                   k32[8] = {0, 0, 0, 0, 1, 1, 1, 1};
  const int* table = pieces == 8 ? k128 : pieces == 4 ? k64 : k32;
  return r * pieces + (p ^ table[r % 8]);
}

CUtensorMap map_of(CUtensorMapDataType type, const void* base, size_t element_bytes, int box_columns,
                   CUtensorMapSwizzle swizzle) {
  CUtensorMap map;
  check(ptx::encode({.type = type,
                     .base = base,
                     .rows = kMatrixRows,
                     .columns = kMatrixColumns,
                     .row_bytes = kPitch * element_bytes,
                     .box_rows = kBoxRows,
                     .box_columns = static_cast<uint32_t>(box_columns),
                     .swizzle = swizzle},
                    &map),
        "tensor map");
  return map;
}

struct Shared {
  alignas(1024) unsigned char tile[kMaxTileBytes];
  ptx::Mbarrier full;
};

// Copies the tile as it lies in shared memory to `image`.
__global__ void load(const __grid_constant__ CUtensorMap map, int bytes, int column, int row, unsigned char* image) {
  Shared& s = *ptx::shared_arena<Shared>();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&s.full, 1);
    ptx::mbarrier_fence_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_bytes(&s.full, bytes);
    ptx::tma_load(s.tile, &map, &s.full, column, row);
  }
  ptx::mbarrier_wait(&s.full, 0);
  for (int i = threadIdx.x; i < bytes; i += blockDim.x) image[i] = s.tile[i];
}

__global__ void store(const __grid_constant__ CUtensorMap map, int bytes, int column, int row,
                      const unsigned char* image, bool add) {
  Shared& s = *ptx::shared_arena<Shared>();
  for (int i = threadIdx.x; i < bytes; i += blockDim.x) s.tile[i] = image[i];
  ptx::fence_proxy_async();
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (add)
    ptx::tma_reduce_add(&map, s.tile, column, row);
  else
    ptx::tma_store(&map, s.tile, column, row);
  ptx::tma_store_commit();
  ptx::tma_store_wait<0>();
}

template <class T>
std::vector<T> numbered_matrix() {
  std::vector<T> matrix(kMatrixRows * kPitch);
  for (size_t i = 0; i < matrix.size(); i++) matrix[i] = static_cast<T>(i % 251 + 1);
  return matrix;
}

bool inside(int row, int column) { return row >= 0 && column >= 0 && row < kMatrixRows && column < kMatrixColumns; }

// The image that a tile should have in shared memory; numbers outside the matrix are zero.
template <class T>
std::vector<T> image_of(const std::vector<T>& matrix, int box_columns, int row0, int column0, bool swizzled) {
  const int per_piece = 16 / static_cast<int>(sizeof(T)), pieces = box_columns / per_piece;
  std::vector<T> image(static_cast<size_t>(kBoxRows * box_columns));
  for (int r = 0; r < kBoxRows; r++)
    for (int c = 0; c < box_columns; c++) {
      const int at = swizzled ? place(r, c / per_piece, pieces) * per_piece + c % per_piece : r * box_columns + c;
      if (inside(row0 + r, column0 + c))
        image[static_cast<size_t>(at)] = matrix[static_cast<size_t>((row0 + r) * kPitch + column0 + c)];
    }
  return image;
}

template <class T>
bool loads(CUtensorMapDataType type, int box_columns, CUtensorMapSwizzle swizzle, int row0, int column0) {
  const std::vector<T> matrix = numbered_matrix<T>();
  const DeviceArray<T> device(matrix);
  const auto want = image_of(matrix, box_columns, row0, column0, swizzle != CU_TENSOR_MAP_SWIZZLE_NONE);
  const DeviceArray<T> image(want.size());
  check(
      launch(load, 1, 64, sizeof(Shared), nullptr, map_of(type, device.data(), sizeof(T), box_columns, swizzle),
             static_cast<int>(want.size() * sizeof(T)), column0, row0, reinterpret_cast<unsigned char*>(image.data())),
      "launch");
  return image.get() == want;
}

template <class T, class Add>
bool stores(CUtensorMapDataType type, int box_columns, CUtensorMapSwizzle swizzle, int row0, int column0, bool add,
            Add sum) {
  const std::vector<T> before = numbered_matrix<T>();
  const DeviceArray<T> device(before);
  std::vector<T> source(before.size());
  for (size_t i = 0; i < source.size(); i++) source[i] = before[source.size() - 1 - i];
  const auto picture = image_of(source, box_columns, row0, column0, swizzle != CU_TENSOR_MAP_SWIZZLE_NONE);
  const DeviceArray<T> image(picture);
  check(launch(store, 1, 64, sizeof(Shared), nullptr, map_of(type, device.data(), sizeof(T), box_columns, swizzle),
               static_cast<int>(picture.size() * sizeof(T)), column0, row0,
               reinterpret_cast<const unsigned char*>(image.data()), add),
        "launch");
  std::vector<T> want = before;
  for (int r = 0; r < kBoxRows; r++)
    for (int c = 0; c < box_columns; c++)
      if (inside(row0 + r, column0 + c)) {
        const auto at = static_cast<size_t>((row0 + r) * kPitch + column0 + c);
        want[at] = add ? sum(before[at], source[at]) : source[at];
      }
  return device.get() == want;
}

// Block r of a cluster of four loads rows 8 r to 8 r + 7 of a tile into all four; each copies the whole tile out.
__global__ void multicast(const __grid_constant__ CUtensorMap map, int* out) {
  Shared& s = *ptx::shared_arena<Shared>();
  const uint32_t rank = ptx::cluster_rank();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&s.full, 1 + 4);  // this block's announcement, and one arrival from every block
    ptx::mbarrier_fence_init();
  }
  ptx::cluster_sync();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_bytes(&s.full, 32 * 128);
    ptx::tma_load_multicast(s.tile + rank * 8 * 128, &map, &s.full, 0, rank * 8, 0xf);
  }
  if (threadIdx.x < 4) ptx::mbarrier_arrive_cluster(&s.full, threadIdx.x);
  ptx::mbarrier_wait(&s.full, 0);
  const int* tile = reinterpret_cast<const int*>(s.tile);
  for (int i = threadIdx.x; i < 32 * 32; i += blockDim.x) out[rank * 1024 + i] = tile[i];
  ptx::cluster_sync();
}

bool multicasts() {
  std::vector<int> matrix(32 * 32);
  for (size_t i = 0; i < matrix.size(); i++) matrix[i] = static_cast<int>(i);
  const DeviceArray<int> device(matrix), out(size_t{4 * 1024});
  CUtensorMap map;
  check(ptx::encode({.type = CU_TENSOR_MAP_DATA_TYPE_INT32,
                     .base = device.data(),
                     .rows = 32,
                     .columns = 32,
                     .row_bytes = 128,
                     .box_rows = 8,
                     .box_columns = 32},
                    &map),
        "tensor map");
  check(launch_cluster(multicast, 4, 64, 4, sizeof(Shared), nullptr, map, out.data()), "launch");
  const std::vector<int> got = out.get();
  for (int rank = 0; rank < 4; rank++)
    for (int r = 0; r < 32; r++)
      for (int c = 0; c < 32; c++)
        if (got[static_cast<size_t>(rank * 1024 + place(r, c / 4, 8) * 4 + c % 4)] != r * 32 + c) return false;
  return true;
}

}  // namespace

int main() {
  need_device(90);
  Conform conform;
  const auto bf16 = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  const auto f32 = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  const auto i32 = CU_TENSOR_MAP_DATA_TYPE_INT32;
  conform.expect(loads<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_128B, 3, 5), "TMA load, 128-byte swizzle");
  conform.expect(loads<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_128B, 40, 60),
                 "TMA load, 128-byte swizzle, at the far corner");
  conform.expect(loads<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_128B, -7, -9),
                 "TMA load, 128-byte swizzle, at the near corner");
  conform.expect(loads<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_128B, 100, 0), "TMA load, all outside");
  conform.expect(loads<uint16_t>(bf16, 32, CU_TENSOR_MAP_SWIZZLE_64B, 30, 60), "TMA load, 64-byte swizzle");
  conform.expect(loads<uint16_t>(bf16, 16, CU_TENSOR_MAP_SWIZZLE_32B, 30, 70), "TMA load, 32-byte swizzle");
  conform.expect(loads<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_NONE, 30, 60), "TMA load, no swizzle");
  conform.expect(loads<float>(f32, 32, CU_TENSOR_MAP_SWIZZLE_128B, 30, 60), "TMA load of float32");
  const auto plus = [](auto a, auto b) { return a + b; };
  conform.expect(stores<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_128B, 30, 60, false, plus),
                 "TMA store, 128-byte swizzle");
  conform.expect(stores<uint16_t>(bf16, 64, CU_TENSOR_MAP_SWIZZLE_NONE, -4, -4, false, plus), "TMA store, no swizzle");
  conform.expect(stores<float>(f32, 32, CU_TENSOR_MAP_SWIZZLE_128B, 30, 60, true, plus), "TMA addition of float32");
  conform.expect(stores<int>(i32, 32, CU_TENSOR_MAP_SWIZZLE_NONE, 3, 5, true, plus), "TMA addition of int32");
  conform.expect(multicasts(), "TMA multicast, arrivals across a cluster");
  return conform.exit_code();
}
