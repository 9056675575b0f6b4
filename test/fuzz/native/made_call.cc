#include "test/fuzz/native/made_call.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>

#include <strings.h>

#include "binding/decode.h"

namespace cutloss::fuzz {
namespace {

constexpr size_t kMostElements = 1 << 15;  // of one view: a case takes milliseconds
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Sizes have no sensible value of their own.
bool is_size(std::string_view name) {
  for (const char* size : {"rows", "classes", "dim", "batch", "pixels", "items", "depth", "height", "width"}) {
    if (name == size) return true;
  }
  return false;
}

double whole_number(Bytes& bytes, bool size, double usual) {
  static constexpr double kOdd[] = {
      -1,   -100,   255, 1000, 65537,     2147483647.0, 2147483648.0, 2147483649.0, 4e9,   9007199254740991.0,
      -4e9, 9.1e15, 0.5, kNaN, kInfinity, 1e7,          1e6,          3037000500.0, 2.5e9, -9007199254740991.0};
  const uint8_t choice = bytes.byte();
  if (choice >= 250) return kOdd[bytes.below(std::size(kOdd))];
  if (size) return choice < 200 ? 1 + choice % 13 : choice - 200;
  return choice < 120 ? usual : choice < 240 ? choice % 4 : choice - 230;
}

double fraction(Bytes& bytes, double usual) {
  static constexpr double kOdd[] = {0,     1,    0.5,   2,    -1,     1e-3,      3,    1e30,
                                    1e-30, -0.0, 1e308, kNaN, 5e-324, kInfinity, -1e5, -kInfinity};
  const uint8_t choice = bytes.byte();
  if (choice < 140) return usual;
  return choice < 200 ? (choice - 140) / 16.0 : kOdd[choice % std::size(kOdd)];
}

napi_typedarray_type array_type_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return napi_float32_array;
    case DType::kFloat64: return napi_float64_array;
    case DType::kInt32: return napi_int32_array;
    case DType::kInt64: return napi_bigint64_array;
    case DType::kFloat16:
    case DType::kBFloat16: return napi_uint16_array;
    default: return napi_uint8_array;
  }
}

template <class T>
void write(char* memory, size_t index, T value) {
  std::memcpy(memory + index * sizeof value, &value, sizeof value);
}

}  // namespace

/// Names, kinds and usual values of a request's fields, in their order.
class MadeCall::FieldList {
 public:
  explicit FieldList(MadeCall* call) : c_(*call) {}
  void input(const char* name, View&, Accept accept) { c_.fields_.push_back({name, accept, false}); }
  void output(const char* name, View&, Accept accept) { c_.fields_.push_back({name, accept, true}); }
  void parameter(const char* name, int64_t& usual) { add(name, double(usual), true); }
  void parameter(const char* name, double& usual) { add(name, usual, false); }
  void result(const char*, double&) {}

 private:
  void add(const char* name, double usual, bool whole) {
    c_.parameter_names_.push_back(name);
    c_.parameters_.push_back(usual);
    c_.whole_.push_back(whole);
  }
  MadeCall& c_;
};

MadeCall::MadeCall(Bytes bytes) {
  operation_ = bytes.below(std::variant_size_v<Request>);
  binding::make_request(operation_, &request_);
  std::visit([&](auto& r) { fields(r, FieldList(this)); }, request_);
  aborted_ = bytes.byte() == 255;
  choose_parameters(bytes);
  choose_views(bytes);
  settle_lengths();
  if (has_memory_) give_memory(bytes);
}

const char* MadeCall::operation() const {
  return std::visit([](auto& r) { return std::remove_reference_t<decltype(r)>::kName; }, request_);
}

void MadeCall::choose_parameters(Bytes& bytes) {
  double volume = 1;
  size_t pixels = parameters_.size();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string_view name = parameter_names_[i];
    double& value = parameters_[i];
    value = whole_[i] ? whole_number(bytes, is_size(name), value) : fraction(bytes, value);
    if (name == "pixels") pixels = i;
    if (name == "axes") value = 2 + bytes.below(8) % 2;
    if (name == "depth" && parameters_[i - 1] == 2) value = 1;  // of a field of two axes
    if (name == "depth" || name == "height" || name == "width") volume *= value > 1 ? value : 1;
  }
  if (pixels < parameters_.size() && bytes.byte() < 240) parameters_[pixels] = volume;
}

void MadeCall::choose_views(Bytes& bytes) {
  const uint8_t floating = uint8_t(bytes.below(3));  // most views of a call have one dtype
  values_.resize(fields_.size());
  dtypes_.resize(fields_.size());
  spoiled_.resize(fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    const uint8_t choice = bytes.byte();
    if (choice >= 128) values_[i].type = napi_object;
    if (choice == 255) spoiled_[i] = 1 + uint8_t(bytes.below(3));
    const bool integers_too =
        fields_[i].accept == Accept::kIntegerOrFloating || fields_[i].accept == Accept::kAnyNumber;
    uint8_t dtype = floating;
    if (integers_too || (choice & 7) == 7) dtype = uint8_t((int(DType::kInt32) + bytes.byte()) % (kDTypeCount + 1));
    for (int k = 0; k < kDTypeCount && choice != 254 && !accepts(fields_[i].accept, DType(dtype)); ++k) {
      dtype = uint8_t((dtype + 1) % kDTypeCount);
    }
    dtypes_[i] = dtype;
    values_[i].array_type = array_type_of(DType(dtype));
  }
}

/// check() says what it misses; it gets that, one thing after another.
void MadeCall::settle_lengths() {
  decode_and_check();
  for (size_t tries = 0; tries < 4 * fields_.size() && !status_.ok() && obey(status_); ++tries) decode_and_check();
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (spoiled_[i] == 1) values_[i].length = 0;
    if (spoiled_[i] == 2) ++values_[i].length;
    if (spoiled_[i] == 3 && values_[i].length > 0) --values_[i].length;
  }
  decode_and_check();
  has_memory_ = std::all_of(values_.begin(), values_.end(), [](auto& v) { return v.length <= kMostElements; });
}

void MadeCall::decode_and_check() {
  binding::make_request(operation_, &request_);
  std::vector<binding::DeviceMemory*> memories;
  const binding::Arguments arguments = {as_napi(values_), dtypes_.data(), dtypes_.size(), parameters_.data(),
                                        parameters_.size()};
  std::visit(
      [&](auto& r) {
        binding::Decoder decoder(nullptr, arguments, kHost, &memories);
        fields(r, decoder);
        status_ = decoder.status();
        if (status_.ok()) status_ = check(r);
      },
      request_);
}

bool MadeCall::obey(const Status& status) {
  char name[64] = {};
  long long length = -1;
  if (std::sscanf(status.message, "Expected room for %lld", &length) == 1) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (std::string_view(parameter_names_[i]) == "capacity") parameters_[i] = double(length);
    }
    return length < int64_t(kMostElements);
  }
  const int found = std::sscanf(status.message, "Expected %63[A-Za-z] to hold %lld elements", name, &length);
  const bool ids = std::strstr(status.message, "to be class ids");
  if (found < 1 || (found == 1 && !ids && !std::strstr(status.message, "but received nothing"))) return false;
  bool changed = false;
  for (size_t i = 0; i < fields_.size(); ++i) {
    // One of a pair is called by the end of its name.
    const size_t size = std::strlen(fields_[i].name), end = std::strlen(name);
    if (size < end || strcasecmp(fields_[i].name + size - end, name) != 0) continue;
    if (found == 2) {
      changed |= values_[i].length != size_t(length);
      values_[i].length = size_t(length);
    } else {
      changed |= values_[i].type != napi_object || ids;
      values_[i].type = napi_object;
    }
    if (ids) dtypes_[i] = uint8_t(DType::kInt32), values_[i].array_type = napi_int32_array;
  }
  return changed;
}

void MadeCall::give_memory(Bytes& bytes) {
  blocks_.resize(fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    FakeValue& value = values_[i];
    if (value.type != napi_object || value.length == 0) continue;
    Block& block = blocks_[i];
    block.bytes = value.length * binding::bytes_per_element(value.array_type);
    block.memory.reset(new char[block.bytes]);
    value.data = block.memory.get();
    // Over an input, wholly or in part: in place where that is allowed, refused elsewhere.
    if (!fields_[i].output || bytes.byte() < 248) continue;
    const size_t input = bytes.below(uint32_t(i));
    if (blocks_[input].bytes < block.bytes || dtypes_[i] != dtypes_[input]) continue;
    value.data = blocks_[input].memory.get() + (bytes.byte() < 128 ? 0 : blocks_[input].bytes - block.bytes);
  }
  decode_and_check();
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (blocks_[i].bytes > 0 && !(!fields_[i].output && prepare_target(i, bytes))) fill(i, bytes);
  }
}

void MadeCall::fill(size_t view, Bytes& bytes) {
  Block& block = blocks_[view];
  block.filled.resize(block.bytes);
  char* memory = block.filled.data();
  if (fields_[view].output) {
    std::memset(memory, 0x5a, block.bytes);
    std::memcpy(block.memory.get(), memory, block.bytes);
    return;
  }
  const uint8_t style = bytes.byte();
  Numbers numbers(bytes.byte());
  const DType dtype = DType(dtypes_[view]);
  const size_t count = block.bytes / element_size(dtype);
  const uint64_t most = 1 + style % 16;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t word = numbers.next();
    const bool odd = style >= 128 && word % 32 == 0;
    const float value = style & 16 ? float(word >> 32 & 3) : float(int32_t(word >> 32)) / float(1 << 29);
    const float odd_value = (word >> 8) % 4 == 0 ? float(kInfinity) : (word >> 8) % 4 == 1 ? -3e38f : 1e-40f;
    switch (dtype) {
      case DType::kFloat32: write(memory, i, odd ? odd_value : value); break;
      case DType::kFloat64: write(memory, i, odd ? double(odd_value) : std::fabs(double(value))); break;
      case DType::kFloat16: write(memory, i, uint16_t(odd ? word >> 48 : 0x3000 + (word >> 48) % 0x1400)); break;
      case DType::kBFloat16: write(memory, i, uint16_t(odd ? word >> 48 : 0x3e00 + (word >> 48) % 0x0180)); break;
      case DType::kInt32: write(memory, i, int32_t(odd ? -100 : int64_t((word >> 32) % most))); break;
      case DType::kInt64: write(memory, i, int64_t(odd ? -100 : int64_t((word >> 32) % most))); break;
      default: write(memory, i, uint8_t(odd ? 255 : (word >> 32) % most)); break;
    }
  }
  if (style == 255) {
    for (size_t i = 0; i < block.bytes; ++i) memory[i] = char(numbers.next() >> 32);
  }
  std::memcpy(block.memory.get(), memory, block.bytes);
}

/// A prepared target is one that was prepared, and then perhaps harmed: the words lie in JavaScript's memory.
bool MadeCall::prepare_target(size_t view, Bytes& bytes) {
  const auto* matching = std::get_if<MatchingRequest>(&request_);
  if (!matching || std::string_view(fields_[view].name) != "prepared" || !check(*matching).ok()) return false;
  PrepareTargetRequest prepare;
  static_cast<FieldBatch&>(prepare) = *matching;
  prepare.target = matching->target;
  prepare.capacity = most_prepared_words(*matching);
  if (prepare.capacity * prepare.items > int64_t(32 * kMostElements) || prepare.items == 0) return false;
  Block& block = blocks_[view];
  block.bytes = size_t(prepare.capacity * prepare.items) * sizeof(int32_t);
  block.memory.reset(new char[block.bytes]());
  prepare.prepared = {block.memory.get(), prepare.capacity * prepare.items, DType::kInt32, kHost, true};
  Request request = prepare;
  Cancel never;
  if (!cpu_engine().run(request, never).ok()) std::memset(block.memory.get(), 0, block.bytes);
  values_[view].data = block.memory.get();
  values_[view].length = size_t(prepare.prepared.size);
  for (uint32_t harms = bytes.below(4); harms > 0; --harms) {
    // Mostly in the header, the counts and what comes first in each section.
    const size_t word = (bytes.byte() + 256u * bytes.below(8)) % size_t(prepare.prepared.size);
    const uint8_t how = bytes.byte();
    uint32_t value;
    std::memcpy(&value, block.memory.get() + 4 * word, 4);
    value = how < 64 ? value + how - 32 : how < 128 ? value ^ 1u << how % 32 : how < 192 ? how : 0xffffffffu - how;
    write(block.memory.get(), word, value);
  }
  block.filled.assign(block.memory.get(), block.memory.get() + block.bytes);
  decode_and_check();
  return true;
}

void MadeCall::reset() {
  for (Block& block : blocks_) {
    if (block.bytes > 0) std::memcpy(block.memory.get(), block.filled.data(), block.bytes);
  }
  decode_and_check();  // results are 0 again
}

std::vector<char> MadeCall::outputs() const {
  std::vector<char> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto* memory = static_cast<const char*>(values_[i].data);
    if (fields_[i].output) all.insert(all.end(), memory, memory + blocks_[i].bytes);
  }
  return all;
}

bool MadeCall::inputs_are_whole() const {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (fields_[i].output || blocks_[i].bytes == 0) continue;
    const bool in_place = std::any_of(values_.begin() + int64_t(i) + 1, values_.end(), [&](const FakeValue& other) {
      const auto* at = static_cast<const char*>(other.data);
      return at >= blocks_[i].memory.get() && at < blocks_[i].memory.get() + blocks_[i].bytes;
    });
    if (!in_place && std::memcmp(blocks_[i].memory.get(), blocks_[i].filled.data(), blocks_[i].bytes) != 0)
      return false;
  }
  return true;
}

}  // namespace cutloss::fuzz
