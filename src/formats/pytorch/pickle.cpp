#include "formats/pytorch/pickle.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "formats/bytes.hpp"

namespace ablaze::formats {
namespace {

using Kind = PickleValue::Kind;
using Id = std::uint32_t;

// A checkpoint with optimizer state has about ten values per tensor.
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostValues = 1'000'000;
constexpr std::size_t kMostOnStack = 1'000'000;
constexpr Id kNoValue = std::numeric_limits<Id>::max();

/// The kind of value built by calling a global.
enum class Role : std::uint8_t { storage, dictionary, tensor, parameter, tuple, nothing, opaque };

struct Global {
  std::string_view name;
  Role role;
  StorageType type{};
};

constexpr StorageType integers(std::size_t element) { return {StorageType::Numbers::integers, element}; }

/// All globals allowed in a state dict.
constexpr std::array kGlobals{
    Global{"collections.OrderedDict", Role::dictionary},
    Global{"torch._utils._rebuild_tensor_v2", Role::tensor},
    Global{"torch._utils._rebuild_tensor", Role::tensor},
    Global{"torch._utils._rebuild_parameter", Role::parameter},
    Global{"torch.Size", Role::tuple},
    Global{"torch.device", Role::nothing},
    // Training scripts store these with the weights. Each becomes an object without content.
    Global{"collections.defaultdict", Role::dictionary},
    Global{"argparse.Namespace", Role::opaque},
    Global{"numpy.core.multiarray.scalar", Role::opaque},
    Global{"numpy.core.multiarray._reconstruct", Role::opaque},
    Global{"numpy._core.multiarray.scalar", Role::opaque},
    Global{"numpy._core.multiarray._reconstruct", Role::opaque},
    Global{"numpy.dtype", Role::opaque},
    Global{"numpy.ndarray", Role::opaque},
    Global{"_codecs.encode", Role::opaque},
    Global{"copyreg._reconstructor", Role::opaque},
    Global{"copy_reg._reconstructor", Role::opaque},
    Global{"__builtin__.dict", Role::opaque},
    Global{"__builtin__.list", Role::opaque},
    Global{"__builtin__.object", Role::opaque},
    Global{"__builtin__.set", Role::opaque},
    Global{"builtins.dict", Role::opaque},
    Global{"builtins.list", Role::opaque},
    Global{"builtins.object", Role::opaque},
    Global{"builtins.set", Role::opaque},
    Global{"torch.FloatStorage", Role::storage, {StorageType::Numbers::f32, 4}},
    Global{"torch.HalfStorage", Role::storage, {StorageType::Numbers::f16, 2}},
    Global{"torch.BFloat16Storage", Role::storage, {StorageType::Numbers::bf16, 2}},
    Global{"torch.DoubleStorage", Role::storage, {StorageType::Numbers::f64, 8}},
    Global{"torch.LongStorage", Role::storage, integers(8)},
    Global{"torch.IntStorage", Role::storage, integers(4)},
    Global{"torch.ShortStorage", Role::storage, integers(2)},
    Global{"torch.CharStorage", Role::storage, integers(1)},
    Global{"torch.ByteStorage", Role::storage, integers(1)},
    Global{"torch.BoolStorage", Role::storage, integers(1)},
};

const Global* find_global(std::string_view name) {
  const auto found = std::ranges::find(kGlobals, name, &Global::name);
  return found == kGlobals.end() ? nullptr : &*found;
}

/// The supported opcodes, named as in Python's pickletools.
// clang-format off
enum Opcode : std::uint8_t {
  MARK = '(', STOP = '.',
  NONE = 'N', NEWTRUE = 0x88, NEWFALSE = 0x89,
  BININT = 'J', BININT1 = 'K', BININT2 = 'M', LONG1 = 0x8A, BINFLOAT = 'G',
  POP = '0', POP_MARK = '1',
  BINSTRING = 'T', SHORT_BINSTRING = 'U',
  BINUNICODE = 'X', SHORT_BINUNICODE = 0x8C, BINUNICODE8 = 0x8D,
  BINBYTES = 'B', SHORT_BINBYTES = 'C', BINBYTES8 = 0x8E,
  EMPTY_TUPLE = ')', TUPLE = 't', TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87,
  EMPTY_LIST = ']', APPEND = 'a', APPENDS = 'e',
  EMPTY_DICT = '}', SETITEM = 's', SETITEMS = 'u',
  BINPUT = 'q', LONG_BINPUT = 'r', MEMOIZE = 0x94, BINGET = 'h', LONG_BINGET = 'j',
  GLOBAL = 'c', STACK_GLOBAL = 0x93,
  EMPTY_SET = 0x8F, ADDITEMS = 0x90, FROZENSET = 0x91,
  REDUCE = 'R', NEWOBJ = 0x81, BUILD = 'b', BINPERSID = 'Q',
  PROTO = 0x80, FRAME = 0x95,
  INST = 'i',  // recognised only to name the global in the error
};
// clang-format on

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& name)
      : reader_(bytes, name, "the pickle"), name_(name) {
    // Indices of the constants shared by all NONE, NEWFALSE, NEWTRUE and BINFLOAT.
    values_.push_back({Kind::none, 0, {}, {}});
    values_.push_back({Kind::boolean, 0, {}, {}});
    values_.push_back({Kind::boolean, 1, {}, {}});
    values_.push_back({Kind::real, 0, {}, {}});
  }

  Pickle run() {
    for (std::uint8_t opcode = reader_.u8(); opcode != STOP; opcode = reader_.u8()) step(opcode);
    const Id root = pop();
    return {std::move(values_), root};
  }
  std::size_t position() const { return reader_.position(); }

 private:
  void step(std::uint8_t opcode);

  Error error(const std::string& what) const {
    return malformed(name_, "the pickle in it is not a state dict's: " + what + " at byte " +
                                std::to_string(reader_.position()) + "; nothing of it was executed");
  }

  // The stack; nothing is popped from below the last mark.
  void push(Id value) {
    if (stack_.size() >= kMostOnStack) throw error("too many values on the stack");
    stack_.push_back(value);
  }
  Id pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) throw error("a value is missing");
    const Id value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Id top() {
    const Id value = pop();
    stack_.push_back(value);
    return value;
  }
  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) throw error("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Id> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Id> pop_items(std::size_t count) {
    std::vector<Id> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  // Values
  Id add(PickleValue value) {
    if (values_.size() >= kMostValues) throw error("more than " + std::to_string(kMostValues) + " values");
    values_.push_back(std::move(value));
    return static_cast<Id>(values_.size() - 1);
  }
  void push_integer(std::int64_t value) { push(add({Kind::integer, value, {}, {}})); }
  void push_text(std::uint64_t length) { push(add({Kind::text, 0, reader_.text(length), {}})); }
  void push_items(Kind kind, std::vector<Id> items) { push(add({kind, 0, {}, std::move(items)})); }
  void push_long() {
    const std::span<const std::byte> bytes = reader_.take(reader_.u8());
    if (bytes.size() > sizeof(std::int64_t)) throw error("an integer of more than 64 bits");
    // Two's complement of any length: missing high bytes repeat the sign.
    std::uint64_t value =
        !bytes.empty() && std::to_integer<int>(bytes.back()) >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    push_integer(static_cast<std::int64_t>(value));
  }
  void push_real() {
    reader_.skip(sizeof(double));  // a checkpoint's own numbers are not needed
    push(3);
  }
  void extend(Kind kind, const std::vector<Id>& items) {
    PickleValue& target = values_[top()];
    if (target.kind == Kind::opaque) return;
    if (target.kind != kind) throw error("items for " + std::string(describe(target.kind)));
    if (kind == Kind::dict && items.size() % 2 != 0) throw error("a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  // The memo
  void remember(std::size_t index) {
    const Id value = top();
    if (index >= kMostValues) throw error("too large a memo");
    if (index >= memo_.size()) memo_.resize(index + 1, kNoValue);
    memo_[index] = value;
    memo_used_ = std::max(memo_used_, index + 1);
  }
  void recall(std::size_t index) {
    if (index >= memo_.size() || memo_[index] == kNoValue) throw error("a memo that was never made");
    push(memo_[index]);
  }

  // Globals
  void push_global(std::string_view module, std::string_view attribute);
  void push_stack_global() {
    const Id attribute = pop(), module = pop();
    if (values_[module].kind != Kind::text || values_[attribute].kind != Kind::text)
      throw error("a global whose name is no text");
    push_global(values_[module].text, values_[attribute].text);
  }
  void push_line_global() {
    const std::string_view module = reader_.line();
    push_global(module, reader_.line());
  }
  void push_storage();
  void call();
  Id build(const Global& global, const std::vector<Id>& arguments);
  void drop_attributes() {
    pop();
    // OrderedDicts of torch.nn.Module have a _metadata attribute with the modules' versions.
    if (values_[top()].kind != Kind::dict && values_[top()].kind != Kind::opaque)
      throw error("attributes for " + std::string(describe(values_[top()].kind)));
  }

  ByteReader reader_;
  const std::string& name_;
  std::vector<PickleValue> values_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Id> memo_;
  std::size_t memo_used_ = 0;
};

void Machine::push_global(std::string_view module, std::string_view attribute) {
  const std::string wanted = std::string(module) + "." + std::string(attribute);
  if (const Global* known = find_global(wanted)) {
    push(add({Kind::global, 0, known->name, {}}));
    return;
  }
  const bool is_module = module.starts_with("torch.nn.modules.") || module.starts_with("torchvision.models.");
  throw malformed(
      name_, (is_module ? "it holds a whole pickled module: its pickle names " : "its pickle names ") +
                 in_quotes(wanted) +
                 ", which no state dict needs. Nothing of it was executed. If you trust where the file comes "
                 "from, open it in PyTorch and save the weights only: torch.save(model.state_dict(), "
                 "'weights.pth')");
}

/// A storage is identified by a tuple: ("storage", its type's global, its entry's key, its device, its
/// element count).
void Machine::push_storage() {
  const PickleValue& id = values_[pop()];
  const bool fits = id.kind == Kind::tuple && id.items.size() >= 5 &&
                    values_[id.items[0]].text == "storage" && values_[id.items[1]].kind == Kind::global &&
                    storage_type(values_[id.items[1]].text) && values_[id.items[2]].kind == Kind::text &&
                    values_[id.items[4]].kind == Kind::integer && values_[id.items[4]].integer >= 0;
  if (!fits) throw error("a persistent object that is no tensor storage");
  push(add({Kind::storage, values_[id.items[4]].integer, values_[id.items[2]].text, {id.items[1]}}));
}

void Machine::call() {
  const PickleValue& arguments = values_[pop()];
  const PickleValue& callable = values_[pop()];
  if (callable.kind != Kind::global || arguments.kind != Kind::tuple)
    throw error("a call of " + std::string(describe(callable.kind)));
  // Arguments are copied, and a pickle could pass one long tuple many times.
  if (arguments.items.size() > 16)
    throw error("a call with " + std::to_string(arguments.items.size()) + " arguments");
  push(build(*find_global(callable.text), std::vector<Id>(arguments.items)));
}

Id Machine::build(const Global& global, const std::vector<Id>& arguments) {
  const auto is = [&](std::size_t i, Kind kind) {
    return i < arguments.size() && values_[arguments[i]].kind == kind;
  };
  switch (global.role) {
    case Role::dictionary:  // a defaultdict's argument creates missing values
      if (arguments.empty() || is(0, Kind::global)) return add({Kind::dict, 0, {}, {}});
      break;
    case Role::tensor:
      if (is(0, Kind::storage) && is(1, Kind::integer) && is(2, Kind::tuple) && is(3, Kind::tuple))
        return add({Kind::tensor, 0, {}, {arguments.begin(), arguments.begin() + 4}});
      break;
    case Role::parameter:
      if (is(0, Kind::tensor)) return arguments[0];
      break;
    case Role::tuple:
      if (is(0, Kind::tuple)) return arguments[0];
      break;
    case Role::nothing:
      return 0;
    case Role::opaque:
      return add({Kind::opaque, 0, {}, {}});
    case Role::storage:
      break;
  }
  throw error("a call of " + std::string(global.name) + " with other arguments than torch.save writes");
}

// clang-format off
void Machine::step(std::uint8_t opcode) {
  switch (opcode) {
    case PROTO:
      if (const std::uint8_t version = reader_.u8(); version < 2 || version > 5)
        throw error("pickle protocol " + std::to_string(version) + " (2 to 5 are known)");
      return;
    case FRAME: return reader_.skip(8);
    case MARK:
      if (marks_.size() >= kMostOnStack) throw error("too many marks");
      return marks_.push_back(stack_.size());
    case NONE: return push(0);
    case NEWFALSE: return push(1);
    case NEWTRUE: return push(2);
    case BININT: return push_integer(reader_.number<std::int32_t>());
    case BININT1: return push_integer(reader_.u8());
    case BININT2: return push_integer(reader_.u16());
    case LONG1: return push_long();
    case BINFLOAT: return push_real();
    case SHORT_BINSTRING:
    case SHORT_BINUNICODE:
    case SHORT_BINBYTES: return push_text(reader_.u8());
    case BINSTRING:
    case BINUNICODE:
    case BINBYTES: return push_text(reader_.u32());
    case BINUNICODE8:
    case BINBYTES8: return push_text(reader_.u64());
    case EMPTY_TUPLE: return push_items(Kind::tuple, {});
    case TUPLE1: return push_items(Kind::tuple, pop_items(1));
    case TUPLE2: return push_items(Kind::tuple, pop_items(2));
    case TUPLE3: return push_items(Kind::tuple, pop_items(3));
    case TUPLE: return push_items(Kind::tuple, pop_to_mark());
    case EMPTY_LIST: return push_items(Kind::list, {});
    case APPEND: return extend(Kind::list, pop_items(1));
    case APPENDS: return extend(Kind::list, pop_to_mark());
    case EMPTY_DICT: return push_items(Kind::dict, {});
    case SETITEM: return extend(Kind::dict, pop_items(2));
    case SETITEMS: return extend(Kind::dict, pop_to_mark());
    case BINPUT: return remember(reader_.u8());
    case LONG_BINPUT: return remember(reader_.u32());
    case MEMOIZE: return remember(memo_used_);
    case BINGET: return recall(reader_.u8());
    case LONG_BINGET: return recall(reader_.u32());
    case GLOBAL:
    case INST: return push_line_global();
    case STACK_GLOBAL: return push_stack_global();
    case POP: return static_cast<void>(pop());
    case POP_MARK: return static_cast<void>(pop_to_mark());
    case EMPTY_SET: return push_items(Kind::opaque, {});
    case FROZENSET: pop_to_mark(); return push_items(Kind::opaque, {});
    case ADDITEMS: return extend(Kind::opaque, pop_to_mark());
    case NEWOBJ:
    case REDUCE: return call();
    case BUILD: return drop_attributes();
    case BINPERSID: return push_storage();
    default: break;
  }
  std::string shown = std::to_string(opcode);
  if (std::isprint(opcode) != 0) shown += std::string(" ('") + static_cast<char>(opcode) + "')";
  throw error("opcode " + shown);
}
// clang-format on

}  // namespace

std::string_view describe(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "nothing";
    case Kind::boolean:
      return "a truth value";
    case Kind::integer:
    case Kind::real:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::tuple:
      return "a tuple";
    case Kind::list:
      return "a list";
    case Kind::dict:
      return "a dictionary";
    case Kind::global:
      return "a type";
    case Kind::storage:
      return "a storage";
    case Kind::tensor:
      return "a tensor";
    case Kind::opaque:
      return "an object";
  }
  return "something else";
}

std::optional<StorageType> storage_type(std::string_view global) {
  const Global* known = find_global(global);
  if (known == nullptr || known->role != Role::storage) return std::nullopt;
  return known->type;
}

Pickle take_pickle(std::span<const std::byte>& bytes, const std::string& name) {
  Machine machine(bytes.first(std::min(bytes.size(), kMostBytes)), name);
  Pickle pickle = machine.run();
  bytes = bytes.subspan(machine.position());
  return pickle;
}

Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > kMostBytes)
    throw malformed(name, "its pickle has " + std::to_string(bytes.size()) + " bytes; expected at most " +
                              std::to_string(kMostBytes) + " for a state dict");
  return Machine(bytes, name).run();
}

}  // namespace ablaze::formats
