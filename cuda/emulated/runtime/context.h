// A point of execution that can be left and resumed: callee-saved registers on a stack of its own. Hand-written
// for x86-64 and AArch64 (about 20 ns a switch); ucontext, ten times slower, elsewhere.
#pragma once
#include <cstddef>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(CUTLOSS_EMULATED_UCONTEXT)
#define CUTLOSS_EMULATED_UCONTEXT
#endif
#ifdef CUTLOSS_EMULATED_UCONTEXT
#include <ucontext.h>
#endif

namespace cutloss::emulated {

class Context {
 public:
  // Makes the first switch to this context call `body` on the given stack. `body` must never return.
  void prepare(std::byte* stack, size_t bytes, void (*body)());

  // Saves the running context in `from` and resumes `to`.
  static void switch_between(Context& from, Context& to);

 private:
#ifdef CUTLOSS_EMULATED_UCONTEXT
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace cutloss::emulated
