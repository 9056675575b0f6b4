// The instruction text of wgmma. An accumulator of 32 to 128 registers has to be spelled out, once in the text and
// once in the list of operands; these macros are that spelling, and nothing else uses them.
#pragma once

#define CUTLOSS_WGMMA_TEXT_64                                              \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define CUTLOSS_WGMMA_TEXT_128                                                       \
  CUTLOSS_WGMMA_TEXT_64                                                              \
  ", "                                                                               \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define CUTLOSS_WGMMA_TEXT_192                                                       \
  CUTLOSS_WGMMA_TEXT_128                                                             \
  ", "                                                                               \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define CUTLOSS_WGMMA_TEXT_256                                                                   \
  CUTLOSS_WGMMA_TEXT_192                                                                         \
  ", "                                                                                           \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

#define CUTLOSS_WGMMA_8(d, i)                                                                                 \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define CUTLOSS_WGMMA_32(d, i) \
  CUTLOSS_WGMMA_8(d, i), CUTLOSS_WGMMA_8(d, i + 8), CUTLOSS_WGMMA_8(d, i + 16), CUTLOSS_WGMMA_8(d, i + 24)
#define CUTLOSS_WGMMA_ACCUMULATORS_64(d) CUTLOSS_WGMMA_32(d, 0)
#define CUTLOSS_WGMMA_ACCUMULATORS_128(d) CUTLOSS_WGMMA_32(d, 0), CUTLOSS_WGMMA_32(d, 32)
#define CUTLOSS_WGMMA_ACCUMULATORS_192(d) CUTLOSS_WGMMA_ACCUMULATORS_128(d), CUTLOSS_WGMMA_32(d, 64)
#define CUTLOSS_WGMMA_ACCUMULATORS_256(d) CUTLOSS_WGMMA_ACCUMULATORS_192(d), CUTLOSS_WGMMA_32(d, 96)

// Both operands in shared memory. The names i0 to i4 are the numbers of the operands behind the accumulators.
#define CUTLOSS_WGMMA_SHARED_N(columns, type, i0, i1, i2, i3, i4, d, a, b, accumulate, a_major, b_major)          \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %" #i2 ", 0; wgmma.mma_async.sync.aligned.m64n" #columns           \
               "k16.f32." type "." type " {" CUTLOSS_WGMMA_TEXT_##columns "}, %" #i0 ", %" #i1 ", p, 1, 1, %" #i3 \
                                                                          ", %" #i4 "; }"                         \
               : CUTLOSS_WGMMA_ACCUMULATORS_##columns(d)                                                          \
               : "l"(a), "l"(b), "r"(accumulate), "n"(a_major), "n"(b_major))

// a in registers.
#define CUTLOSS_WGMMA_REGISTERS_N(columns, type, i0, i1, i2, i3, i4, i5, i6, d, a, b, accumulate, b_major)          \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %" #i5 ", 0; wgmma.mma_async.sync.aligned.m64n" #columns             \
               "k16.f32." type "." type " {" CUTLOSS_WGMMA_TEXT_##columns "}, {%" #i0 ", %" #i1 ", %" #i2 ", %" #i3 \
                                                                          "}, %" #i4 ", p, 1, 1, %" #i6 "; }"       \
               : CUTLOSS_WGMMA_ACCUMULATORS_##columns(d)                                                            \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(b_major))

// The same for the width that the constant kColumns says.
#define CUTLOSS_WGMMA_SHARED(type, d, a, b, add, ta, tb)                                                             \
  do {                                                                                                               \
    if constexpr (kColumns == 64) CUTLOSS_WGMMA_SHARED_N(64, type, 32, 33, 34, 35, 36, d, a, b, add, ta, tb);        \
    if constexpr (kColumns == 128) CUTLOSS_WGMMA_SHARED_N(128, type, 64, 65, 66, 67, 68, d, a, b, add, ta, tb);      \
    if constexpr (kColumns == 192) CUTLOSS_WGMMA_SHARED_N(192, type, 96, 97, 98, 99, 100, d, a, b, add, ta, tb);     \
    if constexpr (kColumns == 256) CUTLOSS_WGMMA_SHARED_N(256, type, 128, 129, 130, 131, 132, d, a, b, add, ta, tb); \
  } while (false)

#define CUTLOSS_WGMMA_REGISTERS(type, d, a, b, add, tb)                                                                \
  do {                                                                                                                 \
    if constexpr (kColumns == 64) CUTLOSS_WGMMA_REGISTERS_N(64, type, 32, 33, 34, 35, 36, 37, 38, d, a, b, add, tb);   \
    if constexpr (kColumns == 128) CUTLOSS_WGMMA_REGISTERS_N(128, type, 64, 65, 66, 67, 68, 69, 70, d, a, b, add, tb); \
    if constexpr (kColumns == 192)                                                                                     \
      CUTLOSS_WGMMA_REGISTERS_N(192, type, 96, 97, 98, 99, 100, 101, 102, d, a, b, add, tb);                           \
    if constexpr (kColumns == 256)                                                                                     \
      CUTLOSS_WGMMA_REGISTERS_N(256, type, 128, 129, 130, 131, 132, 133, 134, d, a, b, add, tb);                       \
  } while (false)
