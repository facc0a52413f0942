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
    global,   ///< text: "torch.FloatStorage"
    storage,  ///< text: the key of its entry; integer: elements; items[0]: the global of its type
    tensor,   ///< items: storage, offset, sizes, strides
    opaque,   ///< an object irrelevant to weights (a NumPy number, options); its content is dropped
  };
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

/// Interprets a pickle (protocols 2 to 5) without executing anything: supports the opcodes that torch.save
/// uses for dictionaries, lists, numbers, text and tensors, and a fixed list of globals, each of which builds
/// plain data. Throws Error naming any other global or opcode. Memory is bounded by the pickle's size.
Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name);
/// The same for the first of several consecutive pickles; leaves the rest in `bytes`.
Pickle take_pickle(std::span<const std::byte>& bytes, const std::string& name);

/// "a dictionary", "a tensor", ...
std::string_view describe(PickleValue::Kind kind);

/// Bytes of one element of a storage type ("torch.FloatStorage"); nothing for a global of another kind.
struct StorageType {
  enum class Numbers : std::uint8_t { f32, f16, bf16, f64, integers };
  Numbers numbers = Numbers::f32;
  std::size_t element = 4;
};
std::optional<StorageType> storage_type(std::string_view global);

}  // namespace ablaze::formats
