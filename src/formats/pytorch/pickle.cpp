#include "formats/pytorch/pickle.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <system_error>
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
constexpr std::size_t kLongestKnown = 100;  // of the names in kGlobals
constexpr Id kNoValue = std::numeric_limits<Id>::max();

/// The kind of value built by calling a global.
enum class Role : std::uint8_t { storage, dictionary, tensor, retyped_tensor, parameter, tuple, list };

struct Global {
  std::string_view name;
  Role role;
  StorageType type{};
};

constexpr StorageType integers(std::size_t element) { return {StorageType::Numbers::integers, element}; }
constexpr StorageType unsupported(std::size_t element) {
  return {StorageType::Numbers::unsupported, element};
}

/// The globals whose calls have a meaning here. The calls of all others give opaque objects.
constexpr std::array kGlobals{
    Global{"collections.OrderedDict", Role::dictionary},
    Global{"collections.defaultdict", Role::dictionary},
    Global{"torch._utils._rebuild_tensor_v2", Role::tensor},
    Global{"torch._utils._rebuild_tensor", Role::tensor},
    Global{"torch._tensor._rebuild_from_type_v2", Role::retyped_tensor},
    Global{"torch._tensor._rebuild_from_type", Role::retyped_tensor},
    Global{"torch.tensor._rebuild_from_type", Role::retyped_tensor},
    Global{"torch._utils._rebuild_parameter", Role::parameter},
    Global{"torch._utils._rebuild_parameter_with_state", Role::parameter},
    Global{"torch.nn.parameter.Parameter", Role::parameter},
    Global{"torch.Size", Role::tuple},
    Global{"__builtin__.set", Role::list},
    Global{"__builtin__.frozenset", Role::list},
    Global{"builtins.set", Role::list},
    Global{"builtins.frozenset", Role::list},
    Global{"torch.FloatStorage", Role::storage, {StorageType::Numbers::f32, 4}},
    Global{"torch.HalfStorage", Role::storage, {StorageType::Numbers::f16, 2}},
    Global{"torch.BFloat16Storage", Role::storage, {StorageType::Numbers::bf16, 2}},
    Global{"torch.DoubleStorage", Role::storage, {StorageType::Numbers::f64, 8}},
    Global{"torch.cuda.FloatStorage", Role::storage, {StorageType::Numbers::f32, 4}},
    Global{"torch.cuda.HalfStorage", Role::storage, {StorageType::Numbers::f16, 2}},
    Global{"torch.cuda.BFloat16Storage", Role::storage, {StorageType::Numbers::bf16, 2}},
    Global{"torch.cuda.DoubleStorage", Role::storage, {StorageType::Numbers::f64, 8}},
    Global{"torch.LongStorage", Role::storage, integers(8)},
    Global{"torch.IntStorage", Role::storage, integers(4)},
    Global{"torch.ShortStorage", Role::storage, integers(2)},
    Global{"torch.CharStorage", Role::storage, integers(1)},
    Global{"torch.ByteStorage", Role::storage, integers(1)},
    Global{"torch.BoolStorage", Role::storage, integers(1)},
    Global{"torch.cuda.LongStorage", Role::storage, integers(8)},
    Global{"torch.cuda.IntStorage", Role::storage, integers(4)},
    Global{"torch.cuda.ByteStorage", Role::storage, integers(1)},
    // Their sizes are needed to find the other storages of a legacy file.
    Global{"torch.ComplexFloatStorage", Role::storage, unsupported(8)},
    Global{"torch.ComplexDoubleStorage", Role::storage, unsupported(16)},
    Global{"torch.QInt8Storage", Role::storage, unsupported(1)},
    Global{"torch.QUInt8Storage", Role::storage, unsupported(1)},
    Global{"torch.QInt32Storage", Role::storage, unsupported(4)},
    Global{"torch.QUInt4x2Storage", Role::storage, unsupported(1)},
    Global{"torch.QUInt2x4Storage", Role::storage, unsupported(1)},
    Global{"torch.UntypedStorage", Role::storage, unsupported(1)},
    Global{"torch.storage.UntypedStorage", Role::storage, unsupported(1)},
    Global{"torch.storage._UntypedStorage", Role::storage, unsupported(1)},
};

const Global* find_global(std::string_view name) {
  const auto found = std::ranges::find(kGlobals, name, &Global::name);
  return found == kGlobals.end() ? nullptr : &*found;
}

/// The opcodes, named as in Python's pickletools. Missing are those of extension registries and of buffers
/// outside the pickle, which no file has.
// clang-format off
enum Opcode : std::uint8_t {
  MARK = '(', STOP = '.', POP = '0', POP_MARK = '1', DUP = '2',
  NONE = 'N', NEWTRUE = 0x88, NEWFALSE = 0x89,
  INT = 'I', LONG = 'L', BININT = 'J', BININT1 = 'K', BININT2 = 'M', LONG1 = 0x8A, LONG4 = 0x8B,
  FLOAT = 'F', BINFLOAT = 'G',
  STRING = 'S', BINSTRING = 'T', SHORT_BINSTRING = 'U',
  UNICODE = 'V', BINUNICODE = 'X', SHORT_BINUNICODE = 0x8C, BINUNICODE8 = 0x8D,
  BINBYTES = 'B', SHORT_BINBYTES = 'C', BINBYTES8 = 0x8E, BYTEARRAY8 = 0x96,
  EMPTY_TUPLE = ')', TUPLE = 't', TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87,
  EMPTY_LIST = ']', LIST = 'l', APPEND = 'a', APPENDS = 'e',
  EMPTY_DICT = '}', DICT = 'd', SETITEM = 's', SETITEMS = 'u',
  PUT = 'p', BINPUT = 'q', LONG_BINPUT = 'r', MEMOIZE = 0x94,
  GET = 'g', BINGET = 'h', LONG_BINGET = 'j',
  GLOBAL = 'c', STACK_GLOBAL = 0x93, INST = 'i',
  EMPTY_SET = 0x8F, ADDITEMS = 0x90, FROZENSET = 0x91,
  REDUCE = 'R', NEWOBJ = 0x81, NEWOBJ_EX = 0x92, OBJ = 'o', BUILD = 'b', PERSID = 'P', BINPERSID = 'Q',
  PROTO = 0x80, FRAME = 0x95,
};
// clang-format on

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& name)
      : reader_(bytes, name, "the pickle"), name_(name) {
    // The constants.
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
  void push_long(std::uint64_t size) {
    const std::span<const std::byte> bytes = reader_.take(size);
    if (bytes.size() > sizeof(std::int64_t)) return push(kReal);  // a seed, or a state of random numbers
    // Two's complement of any length: missing high bytes repeat the sign.
    std::uint64_t value =
        !bytes.empty() && std::to_integer<int>(bytes.back()) >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    push_integer(static_cast<std::int64_t>(value));
  }
  /// Protocol 1's "I01" and "L5L".
  void push_line_integer() {
    std::string_view line = reader_.line();
    if (line == "00" || line == "01") return push(line == "00" ? kFalse : kTrue);
    if (line.ends_with('L')) line.remove_suffix(1);
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (failure == std::errc::result_out_of_range) return push(kReal);
    if (failure != std::errc{} || end != line.data() + line.size()) throw error("a number that is none");
    push_integer(value);
  }
  std::size_t line_index() {
    const std::string_view line = reader_.line();
    std::uint32_t index = 0;
    const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), index);
    if (failure != std::errc{} || end != line.data() + line.size()) throw error("a memo without a number");
    return index;
  }
  void push_real() {
    reader_.skip(sizeof(double));  // a checkpoint's own numbers are not needed
    push(kReal);
  }
  void extend(Kind kind, const std::vector<Id>& items) {
    PickleValue& target = values_[top()];
    if (kind == Kind::dict && items.size() % 2 != 0) throw error("a key without a value");
    if (target.kind == Kind::opaque && kind == Kind::list) return;  // a deque
    if (target.kind != Kind::opaque && target.kind != kind)
      throw error("items for " + std::string(describe(target.kind)));
    target.items.insert(target.items.end(), items.begin(), items.end());
  }
  void push_dictionary() {
    std::vector<Id> items = pop_to_mark();
    if (items.size() % 2 != 0) throw error("a key without a value");
    push_items(Kind::dict, std::move(items));
  }
  Id opaque(Id type, Id arguments) { return add({Kind::opaque, 0, {}, {type, arguments, kNone}}); }

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
  void push_global(Id module, Id attribute);
  void push_stack_global() {
    const Id attribute = pop(), module = pop();
    if (values_[module].kind != Kind::text || values_[attribute].kind != Kind::text)
      throw error("a global whose name is no text");
    push_global(module, attribute);
  }
  void push_line_global() {
    const Id module = add({Kind::text, 0, reader_.line(), {}});
    push_global(module, add({Kind::text, 0, reader_.line(), {}}));
  }
  void push_persistent();
  void call();
  void call(Id callable, Id arguments);
  /// Nothing where the arguments are not those that torch.save writes.
  std::optional<Id> build(const Global& global, const std::vector<Id>& arguments);
  std::optional<Id> dictionary_of(const PickleValue& pairs);
  /// The arguments follow the mark; the type does, too, or a line names it.
  void call_marked(bool type_follows_mark) {
    std::vector<Id> items = pop_to_mark();
    if (!type_follows_mark) {
      push_line_global();
      items.insert(items.begin(), pop());
    }
    if (items.empty()) throw error("an object without a type");
    const Id type = items.front();
    items.erase(items.begin());
    call(type, add({Kind::tuple, 0, {}, std::move(items)}));
  }
  void set_state() {
    const Id state = pop();
    PickleValue& target = values_[top()];
    // Attributes of others are of no use here: OrderedDicts of torch.nn.Module have one with its versions.
    if (target.kind == Kind::opaque) target.items[PickleValue::state] = state;
  }

  // Constants shared by all NONE, NEWFALSE, NEWTRUE and BINFLOAT.
  static constexpr Id kNone = 0, kFalse = 1, kTrue = 2, kReal = 3;

  ByteReader reader_;
  const std::string& name_;
  std::vector<PickleValue> values_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Id> memo_;
  std::size_t memo_used_ = 0;
  std::size_t copied_ = 0;
};

void Machine::push_global(Id module, Id attribute) {
  const std::string_view a = values_[module].text, b = values_[attribute].text;
  if (a.size() + b.size() < kLongestKnown) {
    if (const Global* known = find_global(std::string(a) + "." + std::string(b)))
      return push(add({Kind::global, 0, known->name, {}}));
  }
  push(add({Kind::global, 0, {}, {module, attribute}}));
}

/// A storage is identified by a tuple: ("storage", its type's global, its entry's key, its device, its
/// element count); in legacy files, a type by ("module", the type, its source file, its source).
void Machine::push_persistent() {
  const Id id = pop();
  const auto& items = values_[id].items;
  const auto is = [&](std::size_t i, Kind kind) {
    return i < items.size() && values_[items[i]].kind == kind;
  };
  const bool tuple = values_[id].kind == Kind::tuple && is(0, Kind::text) && is(1, Kind::global);
  if (tuple && values_[items[0]].text == "module") return push(items[1]);
  const bool part_of_another = items.size() > 5 && !is(5, Kind::none);
  if (!tuple || values_[items[0]].text != "storage" || !is(2, Kind::text) || !is(4, Kind::integer) ||
      values_[items[4]].integer < 0 || part_of_another)
    return push(opaque(kNone, id));
  push(add({Kind::storage, values_[items[4]].integer, values_[items[2]].text, {items[1]}}));
}

void Machine::call() {
  const Id arguments = pop(), callable = pop();
  call(callable, arguments);
}

void Machine::call(Id callable, Id arguments) {
  const Kind kind = values_[callable].kind;
  if ((kind != Kind::global && kind != Kind::opaque) || values_[arguments].kind != Kind::tuple)
    throw error("a call of " + std::string(describe(kind)));
  if (kind == Kind::opaque) return push(opaque(values_[callable].items[PickleValue::type], arguments));
  // Arguments are copied, and a pickle could pass one long tuple many times.
  const Global* known = find_global(values_[callable].text);
  if (known != nullptr && values_[arguments].items.size() <= 16) {
    if (const auto built = build(*known, std::vector<Id>(values_[arguments].items))) return push(*built);
  }
  push(opaque(callable, arguments));
}

/// Python 2 passes an OrderedDict's items to its constructor.
std::optional<Id> Machine::dictionary_of(const PickleValue& pairs) {
  std::vector<Id> items;
  copied_ += pairs.items.size();
  if (copied_ > kMostValues) throw error("too many items of dictionaries");
  for (const Id pair : pairs.items) {
    const PickleValue& two = values_[pair];
    if ((two.kind != Kind::list && two.kind != Kind::tuple) || two.items.size() != 2) return std::nullopt;
    items.insert(items.end(), two.items.begin(), two.items.end());
  }
  return add({Kind::dict, 0, {}, std::move(items)});
}

std::optional<Id> Machine::build(const Global& global, const std::vector<Id>& arguments) {
  const auto is = [&](std::size_t i, Kind kind) {
    return i < arguments.size() && values_[arguments[i]].kind == kind;
  };
  switch (global.role) {
    case Role::dictionary:  // a defaultdict's argument creates missing values
      if (is(0, Kind::list)) return dictionary_of(values_[arguments[0]]);
      if (arguments.empty() || is(0, Kind::global) || is(0, Kind::opaque) || is(0, Kind::none))
        return add({Kind::dict, 0, {}, {}});
      return std::nullopt;
    case Role::tensor: {
      // The seventh argument marks a tensor whose numbers are to be negated or conjugated.
      const bool marked = is(6, Kind::dict) && !values_[arguments[6]].items.empty();
      if (is(0, Kind::storage) && is(1, Kind::integer) && is(2, Kind::tuple) && is(3, Kind::tuple) && !marked)
        return add({Kind::tensor, 0, {}, {arguments.begin(), arguments.begin() + 4}});
      return std::nullopt;
    }
    case Role::retyped_tensor: {  // a function, the tensor's class, the function's arguments, attributes
      if (!is(0, Kind::global) || !is(2, Kind::tuple)) return std::nullopt;
      const Global* inner = find_global(values_[arguments[0]].text);
      if (inner == nullptr || inner->role == Role::retyped_tensor) return std::nullopt;
      const std::vector<Id>& passed = values_[arguments[2]].items;
      if (passed.size() > 16) return std::nullopt;
      return build(*inner, std::vector<Id>(passed));
    }
    case Role::parameter:
      if (is(0, Kind::tensor)) return arguments[0];
      return std::nullopt;
    case Role::tuple:
      if (is(0, Kind::tuple)) return arguments[0];
      return std::nullopt;
    case Role::list:
      if (is(0, Kind::list) || is(0, Kind::tuple)) return arguments[0];
      return std::nullopt;
    case Role::storage:
      break;
  }
  return std::nullopt;
}

// clang-format off
void Machine::step(std::uint8_t opcode) {
  switch (opcode) {
    case PROTO:
      if (const std::uint8_t version = reader_.u8(); version < 1 || version > 5)
        throw error("pickle protocol " + std::to_string(version) + " (1 to 5 are known)");
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
    case INT:
    case LONG: return push_line_integer();
    case LONG1: return push_long(reader_.u8());
    case LONG4: return push_long(reader_.u32());
    case FLOAT: reader_.line(); return push(kReal);
    case BINFLOAT: return push_real();
    case STRING:
    case UNICODE: return push(add({Kind::text, 0, reader_.line(), {}}));
    case SHORT_BINSTRING:
    case SHORT_BINUNICODE:
    case SHORT_BINBYTES: return push_text(reader_.u8());
    case BINSTRING:
    case BINUNICODE:
    case BINBYTES: return push_text(reader_.u32());
    case BINUNICODE8:
    case BINBYTES8:
    case BYTEARRAY8: return push_text(reader_.u64());
    case EMPTY_TUPLE: return push_items(Kind::tuple, {});
    case TUPLE1: return push_items(Kind::tuple, pop_items(1));
    case TUPLE2: return push_items(Kind::tuple, pop_items(2));
    case TUPLE3: return push_items(Kind::tuple, pop_items(3));
    case TUPLE: return push_items(Kind::tuple, pop_to_mark());
    case EMPTY_LIST: return push_items(Kind::list, {});
    case LIST: return push_items(Kind::list, pop_to_mark());
    case APPEND: return extend(Kind::list, pop_items(1));
    case APPENDS: return extend(Kind::list, pop_to_mark());
    case EMPTY_DICT: return push_items(Kind::dict, {});
    case DICT: return push_dictionary();
    case SETITEM: return extend(Kind::dict, pop_items(2));
    case SETITEMS: return extend(Kind::dict, pop_to_mark());
    case PUT: return remember(line_index());
    case GET: return recall(line_index());
    case BINPUT: return remember(reader_.u8());
    case LONG_BINPUT: return remember(reader_.u32());
    case MEMOIZE: return remember(memo_used_);
    case BINGET: return recall(reader_.u8());
    case LONG_BINGET: return recall(reader_.u32());
    case GLOBAL: return push_line_global();
    case STACK_GLOBAL: return push_stack_global();
    case POP:
      // In protocol 1, POP also removes a mark.
      if (!marks_.empty() && stack_.size() == marks_.back()) return marks_.pop_back();
      return static_cast<void>(pop());
    case POP_MARK: return static_cast<void>(pop_to_mark());
    case DUP: return push(top());
    case EMPTY_SET: return push_items(Kind::list, {});
    case FROZENSET: return push_items(Kind::tuple, pop_to_mark());
    case ADDITEMS: return extend(Kind::list, pop_to_mark());
    case NEWOBJ_EX: pop(); return call();  // without the arguments' names
    case NEWOBJ:
    case REDUCE: return call();
    case OBJ: return call_marked(true);
    case INST: return call_marked(false);
    case BUILD: return set_state();
    case BINPERSID: return push_persistent();
    case PERSID: reader_.line(); return push(opaque(kNone, kNone));
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

std::string type_name(const Pickle& pickle, const PickleValue& value) {
  constexpr std::size_t most = 200;
  const PickleValue& type = value.kind == Kind::opaque ? pickle[value.items[PickleValue::type]] : value;
  if (type.kind != Kind::global) return "unknown";
  if (type.items.empty()) return std::string(type.text);
  const std::string module(pickle[type.items[0]].text.substr(0, most));
  return (module + "." + std::string(pickle[type.items[1]].text.substr(0, most))).substr(0, most);
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
