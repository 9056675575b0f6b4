// CUDA's built-in vector types, with the sizes and alignments that kernels rely on for vectorised access.
#pragma once
#include <cstdint>

struct uint3 {
  unsigned x, y, z;
};
struct int2 {
  alignas(8) int x;
  int y;
};
struct int3 {
  int x, y, z;
};
struct int4 {
  alignas(16) int x;
  int y, z, w;
};
struct uint2 {
  alignas(8) unsigned x;
  unsigned y;
};
struct uint4 {
  alignas(16) unsigned x;
  unsigned y, z, w;
};
struct float2 {
  alignas(8) float x;
  float y;
};
struct float3 {
  float x, y, z;
};
struct float4 {
  alignas(16) float x;
  float y, z, w;
};
struct double2 {
  alignas(16) double x;
  double y;
};
struct longlong2 {
  alignas(16) long long x;
  long long y;
};
struct ulonglong2 {
  alignas(16) unsigned long long x;
  unsigned long long y;
};
struct ushort2 {
  alignas(4) unsigned short x;
  unsigned short y;
};
struct ushort4 {
  alignas(8) unsigned short x;
  unsigned short y, z, w;
};
struct uchar4 {
  alignas(4) unsigned char x;
  unsigned char y, z, w;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

inline int2 make_int2(int x, int y) { return {x, y}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
