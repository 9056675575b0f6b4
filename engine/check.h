// The checks that memory safety needs, shared by every request's check(). TypeScript has already said everything
// friendlier; what is caught here was changed behind its back.
#pragma once

#include <cinttypes>
#include <cstdint>

#include "engine/status.h"
#include "engine/view.h"

namespace cutloss {

inline Status expect_length(const char* name, const View& view, int64_t length) {
  if (!view) return failure(Code::kInternal, "Expected %s but received nothing", name);
  if (view.size == length) return {};
  return failure(view.size == 0 ? Code::kDetached : Code::kShape,
                 "Expected %s to hold %" PRId64 " elements but its memory holds %" PRId64 "%s", name, length, view.size,
                 view.size == 0 ? " (was its buffer transferred?)" : "");
}

inline Status expect_length_if_given(const char* name, const View& view, int64_t length) {
  return view ? expect_length(name, view, length) : Status{};
}

/// Collects a request's views and compares each output with everything else.
class OverlapCheck {
 public:
  void input(const char* name, const View& view, Accept) { add(name, view, false); }
  void output(const char* name, const View& view, Accept) { add(name, view, true); }
  template <class T>
  void parameter(const char*, const T&) {}
  template <class T>
  void result(const char*, const T&) {}

  /// `output` may be exactly `in_place`, the input it is computed from element by element.
  Status verdict(const View* output, const View* in_place) const {
    for (int i = 0; i < count_; ++i) {
      if (!entries_[i].output) continue;
      for (int j = 0; j < count_; ++j) {
        if (i == j || !overlap(*entries_[i].view, *entries_[j].view)) continue;
        const bool same = entries_[i].view == output && entries_[j].view == in_place &&
                          output->data == in_place->data && output->bytes() == in_place->bytes();
        if (!same) {
          return failure(Code::kOption, "Expected the memory of %s not to overlap that of %s", entries_[i].name,
                         entries_[j].name);
        }
      }
    }
    return {};
  }

 private:
  struct Entry {
    const char* name;
    const View* view;
    bool output;
  };

  void add(const char* name, const View& view, bool output) {
    if (view && view.size > 0) entries_[count_++] = {name, &view, output};
  }
  static bool overlap(const View& a, const View& b) {
    const auto first = reinterpret_cast<uintptr_t>(a.data);  // numbers: a view that is not bound yet has no memory
    const auto second = reinterpret_cast<uintptr_t>(b.data);
    return a.device == b.device && first < second + b.bytes() && second < first + a.bytes();
  }

  Entry entries_[32] = {};
  int count_ = 0;
};

template <class Request>
Status expect_no_overlap(const Request& request, const View* output = nullptr, const View* in_place = nullptr) {
  OverlapCheck views;
  fields(request, views);
  return views.verdict(output, in_place);
}

}  // namespace cutloss
