// Where a request's views live while a GPU computes it. Those in JavaScript's memory get scratch on the GPU: inputs are
// uploaded to it, outputs brought back from it once they are known to be good. Nothing is brought back otherwise.
#pragma once

#include "cuda/device.h"

namespace cutloss::cuda {

class Residence {
 public:
  Residence(Device& device, Cancel& cancel) : device_(device), cancel_(cancel) {}

  /// Makes every view of `request` name memory of the GPU.
  template <class Request>
  Status move_in(Request& request) noexcept {
    Visitor visitor{*this, {}};
    fields(request, visitor);
    return visitor.status;
  }

  /// Fills the outputs where they were before.
  Status bring_back() noexcept {
    for (int i = 0; i < count_; ++i) {
      const Room& room = rooms_[i];
      if (room.output) CUTLOSS_TRY(device_.staging.download(room.host, room.scratch.as(), room.bytes, cancel_));
    }
    return {};
  }

 private:
  static constexpr int kMostViews = 32;

  struct Room {
    void* host = nullptr;
    size_t bytes = 0;
    bool output = false;
    Scratch scratch;
  };

  struct Visitor {
    Residence& residence;
    Status status;

    void input(const char*, View& view, Accept) { move(view, false); }
    void output(const char*, View& view, Accept) { move(view, true); }
    template <class T>
    void parameter(const char*, const T&) {}
    template <class T>
    void result(const char*, const T&) {}

    void move(View& view, bool output) {
      if (status.ok() && view && view.device == kHost) status = residence.move(view, output);
    }
  };

  Status move(View& view, bool output) noexcept {
    Room* room = output ? room_of(view) : nullptr;
    if (!room) {
      if (count_ == kMostViews) return failure(Code::kInternal, "A request has too many views");
      room = &rooms_[count_++];
      CUTLOSS_TRY(room->scratch.allocate(device_.memory, view.bytes()));
      room->host = view.data;
      room->bytes = view.bytes();
      if (!output) CUTLOSS_TRY(device_.staging.upload(room->scratch.as(), view.data, view.bytes(), cancel_));
    }
    room->output = room->output || output;
    view.data = room->scratch.as();
    view.device = device_.stream.device();
    return {};
  }

  /// An output that replaces an input does so on the GPU too.
  Room* room_of(const View& view) {
    for (int i = 0; i < count_; ++i) {
      if (rooms_[i].host == view.data && rooms_[i].bytes == view.bytes() && view.bytes() > 0) return &rooms_[i];
    }
    return nullptr;
  }

  Device& device_;
  Cancel& cancel_;
  Room rooms_[kMostViews];
  int count_ = 0;
};

}  // namespace cutloss::cuda
