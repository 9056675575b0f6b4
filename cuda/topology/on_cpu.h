// Requests that the CPU engine computes for a GPU: views on the GPU come down before, and outputs go back after.
#pragma once

#include <memory>
#include <new>

#include "cuda/device.h"

namespace cutloss::cuda {

class Guests {
 public:
  Guests(Device& device, Cancel& cancel) : device_(device), cancel_(cancel) {}

  /// Makes every view of `request` name memory of the host.
  template <class Request>
  Status take_in(Request& request) noexcept {
    Visitor visitor{*this, {}};
    fields(request, visitor);
    return visitor.status;
  }
  Status send_back() noexcept {
    for (int i = 0; i < count_; ++i) {
      const Guest& guest = guests_[i];
      if (guest.output) CUTLOSS_TRY(device_.staging.upload(guest.home, guest.memory.get(), guest.bytes, cancel_));
    }
    return {};
  }

 private:
  static constexpr int kMostViews = 32;

  struct Guest {
    void* home = nullptr;
    size_t bytes = 0;
    bool output = false;
    std::unique_ptr<char[]> memory;
  };

  struct Visitor {
    Guests& guests;
    Status status;

    void input(const char*, View& view, Accept) { take(view, false); }
    void output(const char*, View& view, Accept) { take(view, true); }
    template <class T>
    void parameter(const char*, const T&) {}
    template <class T>
    void result(const char*, const T&) {}

    void take(View& view, bool output) {
      if (status.ok() && view && view.device != kHost) status = guests.take(view, output);
    }
  };

  Status take(View& view, bool output) noexcept {
    if (count_ == kMostViews) return failure(Code::kInternal, "A request has too many views");
    Guest& guest = guests_[count_++];
    guest.home = view.data;
    guest.bytes = view.bytes();
    guest.output = output;
    guest.memory.reset(new (std::nothrow) char[guest.bytes]);
    if (!guest.memory) return failure(Code::kMemory, "Expected %zu bytes of memory beside a GPU", guest.bytes);
    CUTLOSS_TRY(device_.staging.download(guest.memory.get(), view.data, guest.bytes, cancel_));
    view.data = guest.memory.get();
    view.device = kHost;
    return {};
  }

  Device& device_;
  Cancel& cancel_;
  Guest guests_[kMostViews];
  int count_ = 0;
};

template <class Request>
Status run_on_cpu(Request& request, Device& device, Cancel& cancel) noexcept {
  Guests guests(device, cancel);
  cutloss::Request moved = request;
  auto& there = std::get<Request>(moved);
  CUTLOSS_TRY(guests.take_in(there));
  CUTLOSS_TRY(cpu_engine().run(moved, cancel));
  CUTLOSS_TRY(guests.send_back());
  if constexpr (requires { request.loss; }) request.loss = there.loss;
  return {};
}

}  // namespace cutloss::cuda
