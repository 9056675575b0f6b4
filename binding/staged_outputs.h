// Outputs that must never be half-written: computed in memory of ours and copied to their place in one go, on the
// queue's thread, once the job has succeeded and before the next one begins.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "engine/engine.h"

namespace cutloss::binding {

class StagedOutputs {
 public:
  /// Takes the place of the outputs whose bits are set in `slots`, counted as fields() counts views.
  template <class R>
  Status replace(R& request, uint32_t slots) noexcept {
    Visitor visitor{*this, slots, 0, {}};
    fields(request, visitor);
    return visitor.status;
  }

  void commit() noexcept {
    for (const Room& room : rooms_) std::memcpy(room.place, room.memory.get(), room.bytes);
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  struct Room {
    void* place;
    size_t bytes;
    std::unique_ptr<void, Free> memory;
  };

  struct Visitor {
    StagedOutputs& staged;
    uint32_t slots;
    uint32_t slot;
    Status status;

    void input(const char*, View&, Accept) { ++slot; }
    void output(const char* name, View& view, Accept) {
      const bool chosen = slots >> slot++ & 1;
      if (chosen && status.ok() && view && view.device == kHost) status = staged.take_place(name, view);
    }
    template <class T>
    void parameter(const char*, const T&) {}
    template <class T>
    void result(const char*, const T&) {}
  };

  Status take_place(const char* name, View& view) noexcept {
    std::unique_ptr<void, Free> memory(std::malloc(view.bytes() + 1));
    if (!memory) return failure(Code::kMemory, "Expected %zu bytes to stage %s in", view.bytes(), name);
    try {
      rooms_.push_back({view.data, view.bytes(), std::move(memory)});
    } catch (...) {
      return failure(Code::kMemory, "Expected memory for a list of outputs");
    }
    view.data = rooms_.back().memory.get();
    return {};
  }

  std::vector<Room> rooms_;
};

}  // namespace cutloss::binding
