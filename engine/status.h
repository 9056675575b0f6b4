// How everything below JavaScript reports failure: a code and one sentence, no exceptions and no allocation. The codes
// are those of the public contract (ERR_CUTLOSS_*); the names live in src/errors.ts, in this order.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace cutloss {

enum class Code : int {
  kOk,
  kShape,
  kDType,
  kOption,
  kTarget,
  kDetached,
  kDisposed,
  kDevice,
  kMemory,
  kCuda,
  kLoad,
  kInternal,
  kCancelled,  // not an error of the contract: the promise rejects with signal.reason
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  char message[240] = {};
  int64_t row = -1;  // kTarget: the first bad row and its value
  int64_t value = 0;

  bool ok() const { return code == Code::kOk; }
};

[[gnu::format(printf, 2, 3)]] inline Status failure(Code code, const char* format, ...) {
  Status status;
  status.code = code;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status.message, sizeof status.message, format, arguments);
  va_end(arguments);
  return status;
}

inline Status cancelled() { return failure(Code::kCancelled, "The operation was aborted"); }

}  // namespace cutloss

/// Hands a failure to the caller: CUTLOSS_TRY(engine.allocate(...)).
#define CUTLOSS_TRY(expression)                                                \
  do {                                                                         \
    if (cutloss::Status status_ = (expression); !status_.ok()) return status_; \
  } while (0)
