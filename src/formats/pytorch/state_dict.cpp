#include "formats/pytorch/state_dict.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "formats/bytes.hpp"

namespace ablaze::formats {
namespace {

using Kind = PickleValue::Kind;
using Numbers = StorageType::Numbers;

constexpr std::string_view kSaveAgain =
    "; open it in PyTorch and save the weights only: torch.save(model.state_dict(), 'weights.pth')";

/// Finds the tensors: training scripts store the state dict together with the epoch, the optimizer and so on.
class StateDict {
 public:
  StateDict(const Pickle& pickle, const std::string& name)
      : pickle_(pickle), name_(name), dict_(pickle.root) {
    constexpr int deepest = 8;  // a dictionary may contain itself
    for (int depth = 0; depth < deepest && enter(); ++depth) {
    }
    if (pickle_[dict_].kind != Kind::dict)
      throw malformed(name_, "it holds " + std::string(describe(pickle_[dict_].kind)) + ", not a state dict" +
                                 std::string(kSaveAgain));
  }

  /// Calls use(name, tensor) for every named tensor.
  template <class Use>
  void for_each_tensor(Use use) const {
    const auto& items = pickle_[dict_].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const PickleValue& key = pickle_[items[i]];
      const PickleValue& value = pickle_[items[i + 1]];
      if (key.kind == Kind::text && value.kind == Kind::tensor) use(key.text, value);
    }
  }

  /// Notes on the dictionaries entered.
  const std::vector<std::string>& notes() const { return notes_; }

  /// "it has the keys epoch, args and optimizer", for the error when no tensor is found.
  std::string keys() const {
    constexpr std::size_t most = 8;
    std::vector<std::string> names;
    const auto& items = pickle_[dict_].items;
    for (std::size_t i = 0; i < items.size() && names.size() < most; i += 2)
      if (pickle_[items[i]].kind == Kind::text) names.push_back(base::printable(pickle_[items[i]].text, 40));
    return names.empty() ? "it is empty" : "its first keys are " + base::join(names);
  }

 private:
  /// Common keys of the weights in training checkpoints, likeliest first.
  static constexpr std::array<std::string_view, 17> inner_{
      "state_dict", "model_state_dict", "model_state", "model",  "net",       "network",
      "module",     "weights",          "checkpoint",  "ema",    "ema_model", "model_ema",
      "student",    "state_dict_ema",   "teacher",     "params", "parameters"};

  bool enter() {
    if (pickle_[dict_].kind != Kind::dict) return false;
    std::vector<std::string> others;
    const std::uint32_t outer = dict_;
    for (const std::string_view wanted : inner_) {
      const std::uint32_t value = find(outer, wanted);
      if (value == outer || !may_hold_tensors(pickle_[value])) continue;
      if (dict_ != outer) {
        others.push_back(in_quotes(wanted));
        continue;
      }
      dict_ = value;
      notes_.push_back("using the weights under " + in_quotes(wanted));
    }
    if (!others.empty()) notes_.back() += " (found others under " + base::join(others) + ")";
    return dict_ != outer;
  }

  /// The value under a key; the dictionary itself where there is none.
  std::uint32_t find(std::uint32_t dict, std::string_view wanted) const {
    const auto& items = pickle_[dict].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2)
      if (pickle_[items[i]].kind == Kind::text && pickle_[items[i]].text == wanted) return items[i + 1];
    return dict;
  }

  /// Dictionaries may also hold options ("params": {"lr": 0.1}).
  bool may_hold_tensors(const PickleValue& value) const {
    return value.kind == Kind::dict && std::ranges::any_of(value.items, [&](std::uint32_t item) {
             return pickle_[item].kind == Kind::tensor || pickle_[item].kind == Kind::dict;
           });
  }

  const Pickle& pickle_;
  const std::string& name_;
  std::uint32_t dict_;
  std::vector<std::string> notes_;
};

/// A strided view of a storage, checked: all elements are inside.
struct View {
  Shape shape;
  std::vector<std::int64_t> strides;  ///< in elements
  std::uint64_t offset = 0;           ///< in elements
  std::uint64_t count = 0;
  bool contiguous = true;
};

class Materialiser {
 public:
  Materialiser(const Pickle& pickle, const Storages& storages, std::uint64_t file_size,
               std::shared_ptr<const void> owner, const std::string& name)
      : pickle_(pickle),
        storages_(storages),
        copies_left_(4 * file_size + (1U << 20)),
        views_left_(copies_left_),
        owner_(std::move(owner)),
        name_(name) {}

  static bool is_float(const Pickle& pickle, const PickleValue& tensor) {
    return type_of(pickle, tensor).numbers != Numbers::integers;
  }

  Weight weight(std::string_view tensor_name, const PickleValue& tensor);

 private:
  static StorageType type_of(const Pickle& pickle, const PickleValue& tensor) {
    return *storage_type(pickle[pickle[tensor.items[0]].items[0]].text);
  }
  Error error(std::string_view tensor_name, const std::string& what) const {
    return malformed(
        name_, "tensor " + in_quotes(tensor_name) + " " + what + "; the file is damaged, save it again");
  }
  std::span<const std::byte> storage(std::string_view tensor_name, const PickleValue& storage,
                                     std::size_t element);
  std::vector<std::int64_t> integers(std::string_view tensor_name, const PickleValue& tuple);
  View view(std::string_view tensor_name, const PickleValue& tensor, std::uint64_t storage_elements);
  std::shared_ptr<const std::vector<std::byte>> gather(std::string_view tensor_name, const View& view,
                                                       std::span<const std::byte> from, std::size_t element);
  /// Copies are bounded by the file's size: strides let a small file describe unbounded tensors.
  void pay(std::string_view tensor_name, std::uint64_t bytes) { take(copies_left_, tensor_name, bytes); }
  void take(std::uint64_t& left, std::string_view tensor_name, std::uint64_t bytes) const {
    if (bytes > left) throw error(tensor_name, "repeats its storage beyond reason");
    left -= bytes;
  }

  const Pickle& pickle_;
  const Storages& storages_;
  std::uint64_t copies_left_;
  std::uint64_t views_left_;  ///< tensors may share storages, within a limit
  std::shared_ptr<const void> owner_;
  const std::string& name_;
};

std::span<const std::byte> Materialiser::storage(std::string_view tensor_name, const PickleValue& storage,
                                                 std::size_t element) {
  const auto bytes = storages_(storage.text);
  const auto elements = static_cast<std::uint64_t>(storage.integer);
  if (elements > bytes.size() / element)
    throw error(tensor_name, "needs a storage of " + std::to_string(elements) + " elements; entry " +
                                 in_quotes(storage.text) + " has only " + std::to_string(bytes.size()) +
                                 " bytes");
  return bytes.first(static_cast<std::size_t>(elements) * element);
}

std::vector<std::int64_t> Materialiser::integers(std::string_view tensor_name, const PickleValue& tuple) {
  if (tuple.items.size() > kMostAxes)
    throw error(tensor_name, "has " + std::to_string(tuple.items.size()) + " axes; expected at most " +
                                 std::to_string(kMostAxes));
  std::vector<std::int64_t> numbers;
  for (const std::uint32_t item : tuple.items) {
    if (pickle_[item].kind != Kind::integer || pickle_[item].integer < 0)
      throw error(tensor_name, "has a size or stride that is no natural number");
    numbers.push_back(pickle_[item].integer);
  }
  return numbers;
}

View Materialiser::view(std::string_view tensor_name, const PickleValue& tensor,
                        std::uint64_t storage_elements) {
  View view;
  view.shape = integers(tensor_name, pickle_[tensor.items[2]]);
  view.strides = integers(tensor_name, pickle_[tensor.items[3]]);
  const auto count = dense_bytes(view.shape, 1);
  const std::int64_t offset = pickle_[tensor.items[1]].integer;
  if (view.strides.size() != view.shape.size() || !count || offset < 0)
    throw error(tensor_name, "has shape " + to_string(view.shape) + " with strides that do not fit it");
  view.count = *count;
  view.offset = static_cast<std::uint64_t>(offset);
  if (view.count == 0) {
    view.offset = 0;
    return view;
  }
  // Checked from the innermost axis: `last` is the offset of the last element so far.
  std::uint64_t last = view.offset, dense = 1;
  const auto outside = [&] {
    return error(tensor_name, "of shape " + to_string(view.shape) + " at offset " + std::to_string(offset) +
                                  " reaches outside its storage of " + std::to_string(storage_elements) +
                                  " elements");
  };
  if (last >= storage_elements) throw outside();
  for (std::size_t axis = view.shape.size(); axis-- > 0;) {
    const auto steps = static_cast<std::uint64_t>(view.shape[axis]) - 1;
    const auto stride = static_cast<std::uint64_t>(view.strides[axis]);
    if (steps == 0) continue;
    if (stride > (storage_elements - 1 - last) / steps) throw outside();
    last += stride * steps;
    view.contiguous = view.contiguous && stride == dense;
    dense *= steps + 1;
  }
  return view;
}

std::shared_ptr<const std::vector<std::byte>> Materialiser::gather(std::string_view tensor_name,
                                                                   const View& view,
                                                                   std::span<const std::byte> from,
                                                                   std::size_t element) {
  if (view.count > copies_left_ / element) pay(tensor_name, copies_left_ + 1);
  pay(tensor_name, view.count * element);
  auto dense = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(view.count) * element);
  Shape index(view.shape.size(), 0);
  std::uint64_t at = view.offset;
  for (std::size_t i = 0; i < view.count; ++i) {
    std::memcpy(dense->data() + i * element, from.data() + at * element, element);
    // Counts up like an odometer, the innermost axis fastest.
    for (std::size_t axis = view.shape.size(); axis-- > 0;) {
      const auto stride = static_cast<std::uint64_t>(view.strides[axis]);
      if (++index[axis] < view.shape[axis]) {
        at += stride;
        break;
      }
      index[axis] = 0;
      at -= stride * (static_cast<std::uint64_t>(view.shape[axis]) - 1);
    }
  }
  return dense;
}

Weight Materialiser::weight(std::string_view tensor_name, const PickleValue& tensor) {
  const StorageType type = type_of(pickle_, tensor);
  const PickleValue& stored = pickle_[tensor.items[0]];
  std::span<const std::byte> bytes = storage(tensor_name, stored, type.element);
  const View where = view(tensor_name, tensor, bytes.size() / type.element);
  std::shared_ptr<const void> owner = owner_;
  if (where.contiguous) {
    take(views_left_, tensor_name, where.count * type.element);
    bytes = bytes.subspan(static_cast<std::size_t>(where.offset) * type.element,
                          static_cast<std::size_t>(where.count) * type.element);
  } else {
    const auto dense = gather(tensor_name, where, bytes, type.element);
    bytes = *dense;
    owner = dense;
  }
  if (type.numbers == Numbers::f64) {
    pay(tensor_name, bytes.size());
    return narrowed(where.shape, bytes);
  }
  const DType dtype = type.numbers == Numbers::f32   ? DType::f32
                      : type.numbers == Numbers::f16 ? DType::f16
                                                     : DType::bf16;
  return {dtype, where.shape, bytes, std::move(owner)};
}

}  // namespace

TensorFile read_state_dict(const Pickle& pickle, const Storages& storages, std::uint64_t file_size,
                           std::shared_ptr<const void> owner, const std::string& name) {
  const StateDict state(pickle, name);
  Materialiser materialiser(pickle, storages, file_size, std::move(owner), name);
  TensorFile file;
  state.for_each_tensor([&](std::string_view key, const PickleValue& tensor) {
    if (!Materialiser::is_float(pickle, tensor)) return;  // such as num_batches_tracked
    if (file.tensors.size() >= kMostTensors)
      throw malformed(name, "it has more than " + std::to_string(kMostTensors) + " tensors");
    file.tensors.insert_or_assign(std::string(key), materialiser.weight(key, tensor));
  });
  if (file.tensors.empty())
    throw malformed(name, "it holds a dictionary without PyTorch tensors (" + state.keys() + ")" +
                              std::string(kSaveAgain));
  file.notes = state.notes();
  return file;
}

}  // namespace ablaze::formats
