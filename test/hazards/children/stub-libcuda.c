/* A driver that has nothing but a version and a count: whatever else is called ends the process. What the CPU engine
   and loading the package may ask of a GPU is therefore no more than that. The runtime asks for tables of its own on
   the way to the count: it is told that there are none, or refused where STUB_STRICT is set. STUB_VERSION, STUB_COUNT
   and STUB_INIT (the result of cuInit) are read from the environment too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number(const char* name, int fallback) {
  const char* text = getenv(name);
  return text ? atoi(text) : fallback;
}

static void refuse(void) {
  static const char text[] = "stub libcuda: more than the version and the count was asked for\n";
  fputs(text, stderr);
  abort();
}

int cuInit(unsigned flags) { return (void)flags, number("STUB_INIT", 0); }
int cuDriverGetVersion(int* version) { return *version = number("STUB_VERSION", 13000), 0; }
int cuGetExportTable(const void** table, const void* name) {
  (void)name;
  if (getenv("STUB_STRICT")) refuse();
  return *table = NULL, 500; /* CUDA_ERROR_NOT_FOUND */
}
int cuDeviceGetCount(int* count) { return *count = number("STUB_COUNT", 1), 0; }

int cuGetProcAddress_v2(const char* symbol, void** function, int version, unsigned long long flags, void* status) {
  (void)version, (void)flags;
  if (status) *(int*)status = 0;
  if (!strcmp(symbol, "cuInit"))
    *function = (void*)cuInit;
  else if (!strcmp(symbol, "cuDriverGetVersion"))
    *function = (void*)cuDriverGetVersion;
  else if (!strcmp(symbol, "cuDeviceGetCount"))
    *function = (void*)cuDeviceGetCount;
  else if (!strcmp(symbol, "cuGetExportTable"))
    *function = (void*)cuGetExportTable;
  else if (!strncmp(symbol, "cuGetProcAddress", 16))
    *function = (void*)cuGetProcAddress_v2;
  else
    *function = (void*)refuse;
  return 0;
}
int cuGetProcAddress(const char* symbol, void** function, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, NULL);
}
