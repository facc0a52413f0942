#include "formats/onnx/onnx.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "formats/bytes.hpp"
#include "formats/onnx/protobuf.hpp"

// Field and element type numbers are those of onnx.proto (version 3 of the format).

namespace ablaze::formats {

bool is_float(std::int64_t type) {
  return type == float32 || type == float16 || type == float64 || type == bfloat16;
}

namespace {

constexpr std::int64_t kOldestOpset = 7, kNewestOpset = 24;
constexpr std::size_t kMostNodes = 20'000;
constexpr std::size_t kMostAttributes = 64;  // per node; no operator has more
/// Limit on the bytes read from an external file, in multiples of its size: tensors may share bytes only so
/// far.
constexpr std::uint64_t kMostReadings = 4;

/// Bytes per element in raw data; 0 for types not used in weights or shapes.
std::size_t element_size(std::int64_t type) {
  switch (type) {
    case uint8:
    case int8:
    case boolean:
      return 1;
    case uint16:
    case int16:
    case float16:
    case bfloat16:
      return 2;
    case float32:
    case int32:
    case uint32:
      return 4;
    case int64:
    case uint64:
    case float64:
      return 8;
    default:
      return 0;
  }
}

/// The fields of a TensorProto before interpretation.
struct RawTensor {
  std::string_view name;
  Shape shape;
  std::int64_t type = 0;
  std::span<const std::byte> raw;
  bool has_raw = false;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;  ///< int32_data and int64_data; also the bits of float16
  std::vector<std::byte> doubles;
  std::map<std::string_view, std::string_view> external;
  bool is_external = false;
};

class Parser {
 public:
  Parser(std::shared_ptr<const void> owner, const OnnxExternals& externals, const std::string& name)
      : owner_(std::move(owner)), externals_(externals), name_(name) {}

  OnnxModel model(std::span<const std::byte> bytes);
  OnnxTensor tensor(std::span<const std::byte> message, std::string_view* tensor_name = nullptr) const;

 private:
  Error error(const std::string& what) const { return malformed(name_, what); }
  template <class Use>
  void each(std::span<const std::byte> message, Use use) const {
    WireReader reader(message, name_);
    WireField field;
    while (reader.next(field)) use(field);
  }

  void opset(std::span<const std::byte> message, OnnxModel& model) const;
  void graph(std::span<const std::byte> message, OnnxModel& model) const;
  OnnxNode node(std::span<const std::byte> message) const;
  OnnxAttribute attribute(std::span<const std::byte> message, std::string_view& attribute_name) const;
  OnnxValue value(std::span<const std::byte> message) const;
  void value_type(std::span<const std::byte> type, OnnxValue& value) const;
  std::pair<std::string_view, std::string_view> entry(std::span<const std::byte> message) const;
  RawTensor raw_tensor(std::span<const std::byte> message) const;
  OnnxExternal external(const RawTensor& raw, std::uint64_t bytes) const;
  OnnxTensor of_bytes(const RawTensor& raw, const OnnxExternal& source) const;
  OnnxTensor of_lists(RawTensor& raw, std::uint64_t count) const;

  std::shared_ptr<const void> owner_;
  const OnnxExternals& externals_;
  const std::string& name_;
  mutable std::map<std::string_view, std::uint64_t> bytes_read_;  ///< bytes read per external file
};

OnnxModel Parser::model(std::span<const std::byte> bytes) {
  OnnxModel model;
  bool has_graph = false;
  each(bytes, [&](const WireField& field) {
    if (field.number == 2) model.producer = field.text();
    if (field.number == 8) opset(field.bytes, model);
    if (field.number == 7) {
      if (std::exchange(has_graph, true)) throw error("the ONNX file has two graphs; it is damaged");
      graph(field.bytes, model);
    }
    if (field.number == 25 && !field.bytes.empty())
      throw error(
          "the ONNX file defines local functions, which are not supported; inline them "
          "(onnx.inliner.inline_local_functions) and save it again");
  });
  if (!has_graph) throw error("the ONNX file has no graph; it is truncated or of another kind");
  if (model.opset < kOldestOpset || model.opset > kNewestOpset) {
    throw error("the ONNX file uses opset " + std::to_string(model.opset) + "; expected " +
                std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset) +
                ". Export it with opset_version=13, for example");
  }
  return model;
}

void Parser::opset(std::span<const std::byte> message, OnnxModel& model) const {
  std::string_view domain;
  std::int64_t version = 0;
  each(message, [&](const WireField& field) {
    if (field.number == 1) domain = field.text();
    if (field.number == 2) version = field.integer();
  });
  if (domain.empty() || domain == "ai.onnx") model.opset = version;
}

void Parser::graph(std::span<const std::byte> message, OnnxModel& model) const {
  each(message, [&](const WireField& field) {
    switch (field.number) {
      case 1:
        if (model.nodes.size() >= kMostNodes)
          throw error("the ONNX file has more than " + std::to_string(kMostNodes) + " nodes");
        model.nodes.push_back(node(field.bytes));
        break;
      case 2:
        model.graph_name = field.text();
        break;
      case 5: {
        if (model.initializers.size() >= kMostTensors)
          throw error("the ONNX file has more than " + std::to_string(kMostTensors) + " tensors");
        std::string_view tensor_name;
        OnnxTensor content = tensor(field.bytes, &tensor_name);
        if (!model.initializers.emplace(tensor_name, std::move(content)).second)
          throw error("the ONNX file has two tensors called " + in_quotes(tensor_name));
        break;
      }
      case 11:
        if (model.inputs.size() >= kMostTensors)
          throw error("the ONNX file has more than " + std::to_string(kMostTensors) + " inputs");
        model.inputs.push_back(value(field.bytes));
        break;
      case 12:
        if (model.outputs.size() >= kMostTensors)
          throw error("the ONNX file has more than " + std::to_string(kMostTensors) + " outputs");
        model.outputs.push_back(value(field.bytes));
        break;
      case 15:
        throw error(
            "the ONNX file has sparse tensors, which are not supported; export it with dense tensors");
      default:
        break;
    }
  });
}

OnnxNode Parser::node(std::span<const std::byte> message) const {
  OnnxNode node;
  each(message, [&](const WireField& field) {
    switch (field.number) {
      case 1:
        node.inputs.push_back(field.text());
        break;
      case 2:
        node.outputs.push_back(field.text());
        break;
      case 3:
        node.name = field.text();
        break;
      case 4:
        node.op = field.text();
        break;
      case 5: {
        if (node.attributes.size() >= kMostAttributes)
          throw error("a node of the ONNX file has more than " + std::to_string(kMostAttributes) +
                      " attributes");
        std::string_view attribute_name;
        OnnxAttribute content = attribute(field.bytes, attribute_name);
        node.attributes.insert_or_assign(attribute_name, std::move(content));
        break;
      }
      case 7:
        node.domain = field.text();
        break;
      case 9:
        if (const auto [key, text] = entry(field.bytes); key == "pkg.torch.onnx.name_scopes")
          node.scopes = text;
        break;
      default:
        break;
    }
  });
  return node;
}

OnnxAttribute Parser::attribute(std::span<const std::byte> message, std::string_view& attribute_name) const {
  OnnxAttribute attribute;
  each(message, [&](const WireField& field) {
    switch (field.number) {
      case 1:
        attribute_name = field.text();
        break;
      case 2:
        attribute.real = field.real();
        break;
      case 3:
        attribute.integer = field.integer();
        break;
      case 4:
        attribute.text = field.text();
        break;
      case 5:
        attribute.tensor = tensor(field.bytes);
        break;
      case 6:
      case 11:
        attribute.graph = true;
        break;
      case 7:
        append_floats(field, name_, attribute.reals);
        break;
      case 8:
        append_integers(field, name_, attribute.integers);
        break;
      default:
        break;
    }
  });
  return attribute;
}

OnnxValue Parser::value(std::span<const std::byte> message) const {
  OnnxValue value;
  each(message, [&](const WireField& field) {
    if (field.number == 1) value.name = field.text();
    if (field.number == 2) value_type(field.bytes, value);
  });
  return value;
}

void Parser::value_type(std::span<const std::byte> type, OnnxValue& value) const {
  Shape& shape = value.shape;
  const auto dimension = [&](const WireField& field) {
    if (field.number != 1) return;
    std::int64_t size = 0;
    each(field.bytes, [&](const WireField& part) {
      if (part.number == 1 && part.integer() > 0) size = part.integer();
    });
    if (shape.size() >= kMostAxes) throw error("an input of the ONNX file has too many axes");
    shape.push_back(size);
  };
  each(type, [&](const WireField& kind) {
    if (kind.number != 1) return;  // a tensor
    each(kind.bytes, [&](const WireField& field) {
      if (field.number == 1) value.type = field.integer();
      if (field.number == 2) each(field.bytes, dimension);
    });
  });
}

std::pair<std::string_view, std::string_view> Parser::entry(std::span<const std::byte> message) const {
  std::pair<std::string_view, std::string_view> result;
  each(message, [&](const WireField& field) {
    if (field.number == 1) result.first = field.text();
    if (field.number == 2) result.second = field.text();
  });
  return result;
}

RawTensor Parser::raw_tensor(std::span<const std::byte> message) const {
  RawTensor raw;
  each(message, [&](const WireField& field) {
    switch (field.number) {
      case 1:
        append_integers(field, name_, raw.shape);
        if (raw.shape.size() > kMostAxes)
          throw error("a tensor of the ONNX file has more than " + std::to_string(kMostAxes) + " axes");
        break;
      case 2:
        raw.type = field.integer();
        break;
      case 4:
        append_floats(field, name_, raw.floats);
        break;
      case 5:
      case 7:
        append_integers(field, name_, raw.integers);
        break;
      case 8:
        raw.name = field.text();
        break;
      case 9:
        raw.raw = field.bytes;
        raw.has_raw = true;
        break;
      case 10:
        raw.doubles.insert(raw.doubles.end(), field.bytes.begin(), field.bytes.end());
        break;
      case 13:
        raw.external.insert(entry(field.bytes));
        break;
      case 14:
        raw.is_external = field.integer() == 1;
        break;
      default:
        break;
    }
  });
  return raw;
}

/// The bytes of a tensor with external data.
OnnxExternal Parser::external(const RawTensor& raw, std::uint64_t bytes) const {
  const auto number = [&](std::string_view key, std::uint64_t otherwise) {
    const auto found = raw.external.find(key);
    if (found == raw.external.end()) return otherwise;
    std::uint64_t value = 0;
    const std::string_view text = found->second;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size())
      throw error("tensor " + in_quotes(raw.name) + " has the external " + std::string(key) + " " +
                  in_quotes(text) + "; expected a number");
    return value;
  };
  const auto location = raw.external.find("location");
  if (location == raw.external.end())
    throw error("tensor " + in_quotes(raw.name) + " is in another file without a name");
  OnnxExternal file = externals_(location->second);
  const std::uint64_t offset = number("offset", 0), length = number("length", bytes);
  if (length != bytes) {
    throw error("tensor " + in_quotes(raw.name) + " takes " + std::to_string(bytes) + " bytes, but has " +
                std::to_string(length) + " in " + in_quotes(location->second) + "; export the model again");
  }
  if (!lies_within(offset, length, file.bytes.size())) {
    throw error("tensor " + in_quotes(raw.name) + " (" + std::to_string(bytes) +
                " bytes) should be at byte " + std::to_string(offset) + " of " + in_quotes(location->second) +
                ", which has " + std::to_string(file.bytes.size()) + " bytes; download that file again");
  }
  std::uint64_t& bytes_read = bytes_read_[location->second];
  if (length > kMostReadings * file.bytes.size() - bytes_read)
    throw error("too many of its tensors share the same bytes of " + in_quotes(location->second) +
                "; save it again");
  bytes_read += length;
  file.bytes = file.bytes.subspan(offset, length);
  return file;
}

template <class Integer>
void widen_integers(std::span<const std::byte> bytes, std::vector<std::int64_t>& out) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Integer)) {
    Integer value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    out.push_back(static_cast<std::int64_t>(value));
  }
}

std::vector<std::int64_t> integers_of(std::int64_t type, std::span<const std::byte> bytes) {
  std::vector<std::int64_t> out;
  switch (type) {
    case int64:
    case uint64:
      widen_integers<std::int64_t>(bytes, out);
      break;
    case int32:
      widen_integers<std::int32_t>(bytes, out);
      break;
    case uint32:
      widen_integers<std::uint32_t>(bytes, out);
      break;
    case int16:
      widen_integers<std::int16_t>(bytes, out);
      break;
    case uint16:
      widen_integers<std::uint16_t>(bytes, out);
      break;
    case int8:
      widen_integers<std::int8_t>(bytes, out);
      break;
    default:
      widen_integers<std::uint8_t>(bytes, out);
  }
  return out;
}

OnnxTensor Parser::of_bytes(const RawTensor& raw, const OnnxExternal& source) const {
  OnnxTensor result{raw.shape, {}, {}};
  if (!is_float(raw.type)) {
    result.integers = integers_of(raw.type, source.bytes);
  } else if (raw.type == float64) {
    result.floats = narrowed(raw.shape, source.bytes);
  } else {
    const DType dtype = raw.type == float32 ? DType::f32 : raw.type == float16 ? DType::f16 : DType::bf16;
    result.floats = Weight(dtype, raw.shape, source.bytes, source.owner);
  }
  return result;
}

/// Numbers stored in a typed field instead of raw bytes.
OnnxTensor Parser::of_lists(RawTensor& raw, std::uint64_t count) const {
  OnnxTensor result{raw.shape, {}, {}};
  const auto expect = [&](std::uint64_t found) {
    if (found != count)
      throw error("tensor " + in_quotes(raw.name) + " of shape " + to_string(raw.shape) + " has " +
                  std::to_string(found) + " numbers; the file is damaged");
  };
  if (raw.type == float32) {
    expect(raw.floats.size());
    result.floats = Tensor(raw.shape, raw.floats);
  } else if (raw.type == float64) {
    expect(raw.doubles.size() / 8);
    result.floats = narrowed(raw.shape, std::span(raw.doubles).first(static_cast<std::size_t>(count) * 8));
  } else if (is_float(raw.type)) {  // halves, each stored as a number
    expect(raw.integers.size());
    auto bits = std::make_shared<std::vector<std::uint16_t>>();
    for (const std::int64_t value : raw.integers) bits->push_back(static_cast<std::uint16_t>(value));
    result.floats = Weight(raw.type == float16 ? DType::f16 : DType::bf16, raw.shape,
                           std::as_bytes(std::span(*bits)), bits);
  } else {
    expect(raw.integers.size());
    result.integers = std::move(raw.integers);
  }
  return result;
}

OnnxTensor Parser::tensor(std::span<const std::byte> message, std::string_view* tensor_name) const {
  RawTensor raw = raw_tensor(message);
  if (tensor_name != nullptr) *tensor_name = raw.name;
  const std::size_t element = element_size(raw.type);
  if (element == 0)
    throw error("tensor " + in_quotes(raw.name) + " has elements of type " + std::to_string(raw.type) +
                " (see onnx.proto); expected floats or integers. Export the network in float32");
  const auto bytes = dense_bytes(raw.shape, element);
  if (!bytes) throw error("tensor " + in_quotes(raw.name) + " has the invalid shape " + to_string(raw.shape));
  if (raw.is_external) return of_bytes(raw, external(raw, *bytes));
  if (!raw.has_raw) return of_lists(raw, *bytes / element);
  if (raw.raw.size() != *bytes)
    throw error("tensor " + in_quotes(raw.name) + " of shape " + to_string(raw.shape) + " takes " +
                std::to_string(*bytes) + " bytes, not " + std::to_string(raw.raw.size()) +
                "; the file is damaged, download it again");
  return of_bytes(raw, {raw.raw, owner_});
}

}  // namespace

OnnxTensor parse_onnx_tensor(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name) {
  const OnnxExternals none = [&](std::string_view) -> OnnxExternal {
    throw malformed(name, "the tensor's values are in another file; expected them in this one");
  };
  return Parser(std::move(owner), none, name).tensor(bytes);
}

OnnxModel parse_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                     const OnnxExternals& externals, const std::string& name) {
  return Parser(std::move(owner), externals, name).model(bytes);
}

// A protobuf message has no magic number; its first field is ir_version, a small number, followed by the
// producer, the opsets or the graph.
bool looks_like_onnx(std::span<const std::byte> bytes) {
  const auto at = [&](std::size_t i) { return std::to_integer<int>(bytes[i]); };
  if (bytes.size() < 4 || at(0) != 0x08 || at(1) > 0x20) return false;
  return at(2) == 0x12 || at(2) == 0x1A || at(2) == 0x22 || at(2) == 0x28 || at(2) == 0x32 || at(2) == 0x3A ||
         at(2) == 0x42;
}

namespace {

bool is_below(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto [end, rest] = std::ranges::mismatch(folder, file);
  return end == folder.end();
}

/// Whether a file is in the model's folder or below it, links followed. Where the model is itself a link, as
/// in Hugging Face's cache, the folder of its target counts too.
bool is_in_model_folder(const std::filesystem::path& file, const std::filesystem::path& model) {
  namespace fs = std::filesystem;
  const auto resolved = [](const fs::path& path) {
    std::error_code code;
    const fs::path real = fs::weakly_canonical(path, code);
    return base::failed(code) ? fs::path() : real;
  };
  const fs::path real = resolved(file);
  if (real.empty()) return true;  // opening it reports the reason
  for (const fs::path& folder :
       {resolved(fs::absolute(model).parent_path()), resolved(model).parent_path()}) {
    if (!folder.empty() && is_below(real, folder)) return true;
  }
  return false;
}

}  // namespace

OnnxExternals externals_beside(const std::filesystem::path& file) {
  auto opened = std::make_shared<std::map<std::string, std::shared_ptr<const base::MappedFile>>>();
  return [folder = file.parent_path(), file, opened](std::string_view location) {
    const auto outside_error = [&](std::string_view where) {
      return malformed(file.string(), "its values are in " + in_quotes(where) +
                                          ": only files in its own folder are opened; move the file there");
    };
    const std::filesystem::path relative(location);
    const bool outside = location.empty() || relative.is_absolute() || relative.has_root_path() ||
                         std::ranges::any_of(relative, [](const auto& part) { return part == ".."; });
    if (outside) throw outside_error(location);
    auto& mapped = (*opened)[std::string(location)];
    if (mapped == nullptr) {
      if (!is_in_model_folder(folder / relative, file)) throw outside_error(location);
      mapped = base::MappedFile::open(folder / relative);
    }
    return OnnxExternal{mapped->bytes(), mapped};
  };
}

}  // namespace ablaze::formats
