// Turns a segmentation fault inside a kernel (a guard page behind device memory, a stack that overflows, a host
// pointer) into a report that names the kernel's line.
#pragma once
#include <cstddef>

namespace cutloss::emulated {

// Installs the signal handler, once per process. Faults outside kernels go to the handler that was there before.
void report_faults();

// A stack for the handler, on this OS thread, for the lifetime of the object.
class FaultStack {
 public:
  FaultStack();
  ~FaultStack();
  FaultStack(const FaultStack&) = delete;
  FaultStack& operator=(const FaultStack&) = delete;

 private:
  struct Saved;
  Saved* saved_;
};

}  // namespace cutloss::emulated
