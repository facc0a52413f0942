#include "formats/pytorch/state_dict.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
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

constexpr std::string_view kFromNumpy =
    "; open it in Python and save tensors: torch.save({k: torch.as_tensor(v) for k, v in weights.items()}, "
    "'weights.pth')";

/// "1 tensor", "2 tensors"
std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// A dictionary of tensors somewhere in a file: a network's, if it is one's.
struct Candidate {
  std::string path;    ///< of keys: "model.ema"; empty: the file's outermost dictionary
  std::string module;  ///< the type of a whole pickled module; empty: a dictionary
  std::vector<std::pair<std::string, std::uint32_t>> tensors;
  std::size_t arrays = 0;   ///< tensors of at least one axis: a scalar is a measurement, not a weight
  std::size_t objects = 0;  ///< entries that are objects of other types
  /// The first of them: name, type
  std::vector<std::pair<std::string, std::string>> others;
};

/// The words of a key: "modelEMA_decay" has "model", "ema" and "decay".
std::vector<std::string> words_of(std::string_view key) {
  std::vector<std::string> words(1);
  bool lower = false;
  for (const char c : key) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (c == '_' || c == '.' || c == '-' || c == ' ' || (upper && lower)) words.emplace_back();
    lower = c >= 'a' && c <= 'z';
    if (c != '_' && c != '.' && c != '-' && c != ' ')
      words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

/// "optim*" stands for all words with this start.
bool has_word(std::string_view key, std::span<const std::string_view> wanted) {
  return std::ranges::any_of(words_of(key), [&](const std::string& word) {
    return std::ranges::any_of(wanted, [&](std::string_view start) {
      if (!start.ends_with('*')) return word == start;
      return word.starts_with(start.substr(0, start.size() - 1));
    });
  });
}

/// Lists at most eight of `items`, the number of the others, or nothing.
std::string first_few(const std::vector<std::string>& items) {
  constexpr std::size_t most = 8;
  std::vector<std::string> shown(items.begin(),
                                 items.begin() + static_cast<std::ptrdiff_t>(std::min(most, items.size())));
  if (items.size() > most) shown.push_back(std::to_string(items.size() - most) + " more");
  return base::join(shown);
}

/// Finds the tensors: training scripts store the state dict together with the epoch, the optimizer and so on,
/// some of them several networks.
class StateDict {
 public:
  StateDict(const Pickle& pickle, const std::string& name, const std::string& under)
      : pickle_(pickle), name_(name), seen_(pickle.values.size()), rest_(under) {
    const PickleValue& root = pickle_[pickle_.root];
    search(pickle_.root, {}, 0);
    if (found_.empty()) {  // no weights but those of a loss, or under such a name
      everywhere_ = true;
      numpy_ = 0;
      seen_.assign(seen_.size(), false);
      search(pickle_.root, {}, 0);
    }
    if (found_.empty()) refuse(root);
    chosen_ = choose(under);
    join_head();
    check_others();
    describe_choice();
  }

  const Candidate& chosen() const { return found_[chosen_]; }
  const std::vector<std::string>& notes() const { return notes_; }
  /// The part of `under` that is no dictionary here.
  const std::string& rest() const { return rest_; }
  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const Candidate& candidate : found_)
      if (!candidate.path.empty()) all.push_back(candidate.path);
    return all;
  }

 private:
  static constexpr int kDeepest = 8;
  static constexpr int kDeepestModule = 40;
  static constexpr std::size_t kMostCandidates = 1000;
  static constexpr std::size_t kLongestKey = 500;
  static constexpr std::size_t kMostNameBytes = std::size_t{32} << 20;

  /// Calls use(key, value) for the entries of a dictionary, of an object with items or attributes and, with
  /// their positions as keys, of a list.
  template <class Use>
  void for_each_entry(std::uint32_t id, Use use) const {
    const PickleValue& value = pickle_[id];
    const auto pairs = [&](const std::vector<std::uint32_t>& items, std::size_t first) {
      for (std::size_t i = first; i + 1 < items.size(); i += 2) {
        const PickleValue& key = pickle_[items[i]];
        if (key.kind == Kind::text && key.text.size() <= kLongestKey) use(key.text, items[i + 1]);
      }
    };
    if (value.kind == Kind::dict) pairs(value.items, 0);
    if (value.kind == Kind::opaque) {
      pairs(value.items, PickleValue::pairs);
      const PickleValue& state = pickle_[value.items[PickleValue::state]];
      if (state.kind == Kind::dict) pairs(state.items, 0);
    }
    if (value.kind != Kind::list && value.kind != Kind::tuple) return;
    static constexpr std::array<std::string_view, 8> positions{"0", "1", "2", "3", "4", "5", "6", "7"};
    for (std::size_t i = 0; i < std::min(value.items.size(), positions.size()); ++i)
      use(positions[i], value.items[i]);  // (weights, epoch, optimizer)
  }

  /// The value under a key; 0 (nothing) where there is none.
  std::uint32_t find(std::uint32_t id, std::string_view wanted) const {
    std::uint32_t found = 0;
    for_each_entry(id, [&](std::string_view key, std::uint32_t value) {
      if (key == wanted) found = value;
    });
    return found;
  }

  bool is_module(std::uint32_t id) const {
    return pickle_[id].kind == Kind::opaque && pickle_[find(id, "_modules")].kind != Kind::none &&
           pickle_[find(id, "_parameters")].kind != Kind::none;
  }

  static bool may_hold_tensors(Kind kind) {
    return kind == Kind::dict || kind == Kind::opaque || kind == Kind::list || kind == Kind::tuple;
  }

  void search(std::uint32_t id, const std::string& path, int depth) {
    if (seen_[id] || found_.size() >= kMostCandidates) return;
    seen_[id] = true;
    Candidate candidate;
    candidate.path = path;
    if (is_module(id)) {
      candidate.module = type_name(pickle_, pickle_[id]);
      take_module(candidate, id, {}, 0);
      if (!candidate.tensors.empty()) found_.push_back(std::move(candidate));
      return;
    }
    std::vector<std::pair<std::string_view, std::uint32_t>> inner;
    for_each_entry(id, [&](std::string_view key, std::uint32_t value) {
      const Kind kind = pickle_[value].kind;
      if (kind == Kind::opaque && type_name(pickle_, pickle_[value]).starts_with("numpy.")) ++numpy_;
      if (kind == Kind::tensor || kind == Kind::opaque) take_entry(candidate, std::string(key), value);
      const bool list_in_dict = depth > 0 && (kind == Kind::list || kind == Kind::tuple);
      if (may_hold_tensors(kind) && !list_in_dict && depth < kDeepest &&
          (everywhere_ || !is_training_state(key)))
        inner.emplace_back(key, value);
    });
    if (!candidate.tensors.empty()) found_.push_back(std::move(candidate));
    for (const auto& [key, value] : inner)
      search(value, path.empty() ? std::string(key) : path + "." + std::string(key), depth + 1);
  }

  void take_entry(Candidate& candidate, std::string name, std::uint32_t id) {
    const PickleValue& value = pickle_[id];
    if (value.kind == Kind::opaque) {
      constexpr std::size_t examined = 1000;
      if (++candidate.objects <= examined)
        candidate.others.emplace_back(std::move(name), type_name(pickle_, value));
      return;
    }
    if (value.kind != Kind::tensor || !is_float(value)) return;  // such as num_batches_tracked
    name_bytes_ += name.size();
    if (++tensors_ > kMostTensors || name_bytes_ > kMostNameBytes)
      throw malformed(name_, "it has more than " + std::to_string(kMostTensors) + " tensors");
    if (!pickle_[value.items[2]].items.empty()) ++candidate.arrays;
    candidate.tensors.emplace_back(std::move(name), id);
  }
  bool is_float(const PickleValue& tensor) const {
    const auto type = storage_type(pickle_[pickle_[tensor.items[0]].items[0]].text);
    return !type || type->numbers != Numbers::integers;
  }

  /// The state dict of a pickled torch.nn.Module: what its state_dict() returns.
  void take_module(Candidate& candidate, std::uint32_t id, const std::string& prefix, int depth) {
    if (++modules_ > kMostTensors || depth > kDeepestModule)
      throw malformed(name_, "the modules in it are nested without end" + std::string(kSaveAgain));
    const std::uint32_t hidden = find(id, "_non_persistent_buffers_set");
    for (const std::string_view part : {"_parameters", "_buffers"}) {
      for_each_entry(find(id, part), [&](std::string_view key, std::uint32_t value) {
        const bool left_out =
            part == "_buffers" && std::ranges::any_of(pickle_[hidden].items, [&](auto item) {
              return pickle_[item].kind == Kind::text && pickle_[item].text == key;
            });
        if (!left_out) take_entry(candidate, prefix + std::string(key), value);
      });
    }
    for_each_entry(find(id, "_modules"), [&](std::string_view key, std::uint32_t value) {
      if (is_module(value)) take_module(candidate, value, prefix + std::string(key) + ".", depth + 1);
    });
  }

  std::size_t choose(const std::string& under) {
    if (!under.empty()) {
      std::vector<std::size_t> inside;
      const Candidate* around = nullptr;
      for (std::size_t i = 0; i < found_.size(); ++i) {
        const std::string& path = found_[i].path;
        if (path == under) return rest_.clear(), i;
        if (path.starts_with(under + ".")) inside.push_back(i);
        if (!path.empty() && under.starts_with(path + ".")) around = &found_[i];
      }
      if (!inside.empty()) return rest_.clear(), choose_among(inside);
      if (around != nullptr) {
        rest_ = under.substr(around->path.size() + 1);
        return static_cast<std::size_t>(around - found_.data());
      }
    }
    std::vector<std::size_t> all(found_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return choose_among(all);
  }

  /// The one with most tensors. Where several are about as large, the one that is no average of the others.
  std::size_t choose_among(const std::vector<std::size_t>& from) {
    std::size_t most = 0;
    for (const std::size_t i : from) most = std::max(most, found_[i].arrays);
    std::vector<std::size_t> networks, plain;
    for (const std::size_t i : from) {
      if (found_[i].arrays * 2 < most || (most > 0 && found_[i].arrays == 0)) continue;
      networks.push_back(i);
      if (!is_average(found_[i].path)) plain.push_back(i);
    }
    if (networks.size() == 1 || (plain.empty() && networks.size() == 1)) return networks.front();
    if (plain.size() == 1) {
      for (const std::size_t i : networks)
        if (i != plain.front()) averages_.push_back(in_quotes(found_[i].path));
      return plain.front();
    }
    std::vector<std::string> choices;
    for (const std::size_t i : networks) {
      const std::string path =
          found_[i].path.empty() ? "the outermost dictionary" : in_quotes(found_[i].path);
      choices.push_back(path + " (" + count_of(found_[i].tensors.size(), "tensor") + ")");
    }
    throw malformed(name_, "it holds the weights of several networks: " + first_few(choices) +
                               "; choose one with --under KEY (LoadOptions::under)");
  }

  /// Body and head may be saved as dictionaries of their own, side by side.
  void join_head() {
    Candidate& body = found_[chosen_];
    const std::size_t dot = body.path.rfind('.');
    if (body.path.empty() || !body.module.empty()) return;
    const std::string outer = dot == std::string::npos ? std::string() : body.path.substr(0, dot + 1);
    for (const std::string_view head : {"fc", "classifier", "head", "linear"}) {
      const std::string start = std::string(head) + ".";
      const auto has_it = [&](const auto& tensor) { return tensor.first.starts_with(start); };
      if (std::ranges::any_of(body.tensors, has_it)) return;
    }
    for (Candidate& other : found_) {
      if (!other.path.starts_with(outer)) continue;
      const std::string key = other.path.substr(outer.size());
      if (key != "fc" && key != "classifier" && key != "head" && key != "linear") continue;
      for (const auto& [name, value] : other.tensors) body.tensors.emplace_back(key + "." + name, value);
      joined_ = other.path;
      return;
    }
  }

  /// Objects among the tensors: a weight of a kind that is not read must not be missed in silence.
  void check_others() const {
    for (const auto& [name, type] : chosen().others) {
      if (type.starts_with("numpy.") && name.find('.') != std::string::npos)
        throw malformed(name_, "the entry " + in_quotes(name) + " is an object of NumPy, not a tensor" +
                                   std::string(kFromNumpy));
      if (!type.starts_with("torch.") || type.find("_rebuild") == std::string::npos) continue;
      std::string kind = "a tensor of a kind that is not read";
      if (type.ends_with("_rebuild_qtensor")) kind = "a quantised tensor";
      if (type.find("_rebuild_sparse") != std::string::npos) kind = "a sparse tensor";
      throw malformed(name_,
                      "the tensor " + in_quotes(name) + " is " + kind + " (" + in_quotes(type) +
                          "); expected dense numbers: convert it with .dequantize() or .to_dense() and "
                          "save the state dict again");
    }
  }

  void describe_choice() {
    const Candidate& c = chosen();
    if (!c.path.empty()) {
      std::string note = "using the weights under " + in_quotes(c.path);
      if (!averages_.empty())
        note += " (found others under " + first_few(averages_) + "; --under KEY chooses them)";
      if (!joined_.empty()) note += ", with the head under " + in_quotes(joined_);
      notes_.push_back(std::move(note));
    }
    if (!c.module.empty())
      notes_.push_back("read the weights of a whole pickled module, " + in_quotes(c.module) +
                       ", by its modules' names; its program was not looked at");
    std::size_t left_out = 0;
    std::vector<std::string> where;
    for (const Candidate& other : found_) {
      const bool named = std::ranges::find(averages_, in_quotes(other.path)) != averages_.end();
      if (&other == &c || named || other.path == joined_ || other.arrays == 0) continue;
      left_out += other.arrays;
      where.push_back(other.path.empty() ? "the outermost dictionary" : in_quotes(other.path));
    }
    if (left_out > 0)
      notes_.push_back("left out " + count_of(left_out, "tensor") + " in " + first_few(where));
    if (!c.others.empty() && !c.path.empty()) {
      const auto& [name, type] = c.others.front();
      notes_.push_back("left out " + count_of(c.objects, "object") + " among the weights, such as " +
                       in_quotes(name) + " (" + in_quotes(type) + ")");
    }
    warn_of_programs();
  }

  /// Says so where PyTorch would run another program while opening the file.
  void warn_of_programs() {
    static constexpr std::array<std::string_view, 14> runs{"os.",
                                                           "posix.",
                                                           "nt.",
                                                           "subprocess.",
                                                           "builtins.eval",
                                                           "builtins.exec",
                                                           "__builtin__.eval",
                                                           "__builtin__.exec",
                                                           "runpy.",
                                                           "socket.",
                                                           "shutil.",
                                                           "webbrowser.",
                                                           "pty.",
                                                           "importlib."};
    for (const PickleValue& value : pickle_.values) {
      if (value.kind != Kind::global || value.items.empty()) continue;
      const std::string name = type_name(pickle_, value);
      if (std::ranges::none_of(runs, [&](std::string_view start) { return name.starts_with(start); }))
        continue;
      notes_.push_back("the file names " + in_quotes(name) +
                       ", which runs programs when PyTorch opens the file. Nothing of it was executed here");
      return;
    }
  }

  [[noreturn]] void refuse(const PickleValue& root) const {
    const std::string unread =
        "; objects of such types are not read, and nothing of them was executed. If you "
        "trust where the file comes from, open it in PyTorch and save the weights only: "
        "torch.save(model.state_dict(), 'weights.pth')";
    if (root.kind == Kind::opaque)
      throw malformed(name_, "it holds an object of the type " + in_quotes(type_name(pickle_, root)) +
                                 ", not a state dict" + unread);
    if (root.kind == Kind::global)
      throw malformed(
          name_, "it holds the type " + in_quotes(type_name(pickle_, root)) + ", not a state dict" + unread);
    if (root.kind != Kind::dict)
      throw malformed(name_, "it holds " + std::string(describe(root.kind)) + ", not a state dict" +
                                 std::string(kSaveAgain));
    std::vector<std::string> keys, objects;
    for_each_entry(pickle_.root, [&](std::string_view key, std::uint32_t id) {
      keys.push_back(base::printable(key, 40));
      if (pickle_[id].kind == Kind::opaque && objects.size() < 4)
        objects.push_back(in_quotes(key) + " is of the type " + in_quotes(type_name(pickle_, pickle_[id])));
    });
    constexpr std::size_t some = 4;
    if (numpy_ >= some)
      throw malformed(name_, "it holds " + count_of(numpy_, "object") + " of NumPy and no PyTorch tensors" +
                                 std::string(kFromNumpy));
    const std::string found = keys.empty() ? "it is empty" : "its first keys are " + first_few(keys);
    throw malformed(name_,
                    "it holds a dictionary without PyTorch tensors (" + found + ")" +
                        (objects.empty() ? std::string(kSaveAgain) : "; " + base::join(objects) + unread));
  }

  const Pickle& pickle_;
  const std::string& name_;
  std::vector<bool> seen_;
  std::vector<Candidate> found_;
  bool everywhere_ = false;  ///< also in what training keeps
  std::size_t tensors_ = 0;
  std::size_t numpy_ = 0;  ///< arrays and numbers of NumPy
  std::size_t name_bytes_ = 0;
  std::size_t modules_ = 0;
  std::size_t chosen_ = 0;
  std::string rest_;
  std::string joined_;
  std::vector<std::string> averages_;
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

  Weight weight(std::string_view tensor_name, const PickleValue& tensor);

 private:
  StorageType type_of(std::string_view tensor_name, const PickleValue& tensor) const {
    const PickleValue& global = pickle_[pickle_[tensor.items[0]].items[0]];
    const auto type = storage_type(global.text);
    if (type && type->numbers != Numbers::unsupported) return *type;
    throw malformed(name_,
                    "the numbers of the tensor " + in_quotes(tensor_name) + " are those of a " +
                        in_quotes(type_name(pickle_, global)) +
                        "; expected float, half, bfloat16 or double: convert them with .float() and save "
                        "the state dict again");
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
  const StorageType type = type_of(tensor_name, tensor);
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

bool is_average(std::string_view path) {
  static constexpr std::array<std::string_view, 5> words{"ema*", "swa", "average*", "shadow", "polyak"};
  return has_word(path, words);
}

bool is_training_state(std::string_view path) {
  static constexpr std::array<std::string_view, 12> words{"optim*",     "opt",   "scheduler*", "scaler*",
                                                          "criterion*", "loss*", "grad",       "grads",
                                                          "exp",        "rng",   "callback*",  "meter*"};
  return has_word(path, words);
}

TensorFile read_state_dict(const Pickle& pickle, const Storages& storages, std::uint64_t file_size,
                           std::shared_ptr<const void> owner, const std::string& name,
                           const std::string& under) {
  const StateDict state(pickle, name, under);
  Materialiser materialiser(pickle, storages, file_size, std::move(owner), name);
  TensorFile file;
  for (const auto& [key, id] : state.chosen().tensors)
    file.tensors.insert_or_assign(key, materialiser.weight(key, pickle[id]));
  file.notes = state.notes();
  file.choices = state.paths();
  file.under = state.rest();
  return file;
}

}  // namespace ablaze::formats
