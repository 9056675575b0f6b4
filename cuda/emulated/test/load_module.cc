// Loads the shared library named by its argument and runs its kernel, here and on another thread.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

int main(int argc, char** argv) {
  void* module = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!module) {
    printf("cannot load the module: %s\n", dlerror());
    return 1;
  }
  const auto run = reinterpret_cast<int (*)()>(dlsym(module, "run_in_module"));
  int here = run(), elsewhere = 1;
  std::thread([&] { elsewhere = run(); }).join();
  printf("in a module: %s, on another thread: %s\n", here ? "WRONG" : "ok", elsewhere ? "WRONG" : "ok");
  return here || elsewhere;
}
