#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// The content of a PyTorch state dict's pickle as plain data. Values refer to each other by index, so that
/// sharing and even cycles are free, and destruction needs no recursion.
struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,  ///< also bytes
    tuple,
    list,
    dict,     ///< items: key, value, key, value, ...
    global,   ///< text: "torch.FloatStorage"; of an unknown one: items: its module's and its own name
    storage,  ///< text: the key of its entry; integer: elements; items[0]: the global of its type
    tensor,   ///< items: storage, offset, sizes, strides
    opaque,   ///< an object of another type, as data; items: see OpaqueItem
  };
  /// The items of an opaque object. Index 0 (a value of Kind::none) stands for what it does not have. From
  /// `pairs` on: key, value, key, value, ... as of a dictionary.
  enum OpaqueItem : std::size_t { type, arguments, state, pairs };

  Kind kind = Kind::none;
  std::int64_t integer = 0;
  std::string_view text;             ///< a view of the pickle
  std::vector<std::uint32_t> items;  ///< indices into Pickle::values
};

struct Pickle {
  std::vector<PickleValue> values;
  std::uint32_t root = 0;

  const PickleValue& operator[](std::uint32_t index) const { return values[index]; }
};

/// Interprets a pickle (protocols 1 to 5) without executing anything: builds dictionaries, lists, numbers,
/// text and tensors. An object of any other type becomes an opaque value: the type's name, the arguments and
/// the state, as data; the type is never looked up. Throws Error where the bytes are no pickle. Memory is
/// bounded by the pickle's size.
Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name);
/// The same for the first of several consecutive pickles; leaves the rest in `bytes`.
Pickle take_pickle(std::span<const std::byte>& bytes, const std::string& name);

/// "a dictionary", "a tensor", ...
std::string_view describe(PickleValue::Kind kind);

/// The name of a global's or an opaque object's type: "numpy.core.multiarray.scalar"; at most 200 characters.
std::string type_name(const Pickle& pickle, const PickleValue& value);

/// Bytes of one element of a storage type ("torch.FloatStorage"); nothing for a global of another kind.
struct StorageType {
  enum class Numbers : std::uint8_t { f32, f16, bf16, f64, integers, unsupported };
  Numbers numbers = Numbers::f32;
  std::size_t element = 4;
};
std::optional<StorageType> storage_type(std::string_view global);

}  // namespace ablaze::formats
