#include "formats/safetensors.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "formats/bytes.hpp"

namespace ablaze::formats {
namespace {

constexpr std::size_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kDataAlignment = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

/// The format's number types: supported and skipped ones.
struct NumberType {
  std::string_view name;
  std::size_t element;
  enum Use { keep, narrow, skip } use;
  DType dtype = DType::f32;
};
constexpr NumberType kNumberTypes[] = {
    {"F32", 4, NumberType::keep, DType::f32},
    {"F16", 2, NumberType::keep, DType::f16},
    {"BF16", 2, NumberType::keep, DType::bf16},
    {"F64", 8, NumberType::narrow},
    {"I64", 8, NumberType::skip},
    {"U64", 8, NumberType::skip},
    {"I32", 4, NumberType::skip},
    {"U32", 4, NumberType::skip},
    {"I16", 2, NumberType::skip},
    {"U16", 2, NumberType::skip},
    {"I8", 1, NumberType::skip},
    {"U8", 1, NumberType::skip},
    {"BOOL", 1, NumberType::skip},
};

/// A tensor in the header; offsets count from the end of the header.
struct Entry {
  const NumberType* type = nullptr;
  std::optional<Shape> shape;
  std::vector<std::uint64_t> offsets;
};

/// Parses the header as a stream of events: a document tree of 100 MB of JSON would take gigabytes.
class HeaderReader final : public nlohmann::json_sax<base::Json> {
 public:
  explicit HeaderReader(const std::string& name) : name_(name) {}

  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    switch (inside_) {
      case Inside::nothing:
        inside_ = Inside::header;
        return true;
      case Inside::header:
        inside_ = key_ == kMetadataKey ? Inside::metadata : Inside::tensor;
        entry_ = {};
        return true;
      default:
        throw error("an object inside " + where());
    }
  }
  bool end_object() override {
    if (inside_ == Inside::tensor) keep_entry();
    inside_ = inside_ == Inside::header ? Inside::nothing : Inside::header;
    return true;
  }
  bool key(string_t& text) override {
    switch (inside_) {
      case Inside::header:
        key_ = text;
        if (key_ == kMetadataKey ? std::exchange(has_metadata_, true) : entries.contains(key_))
          throw error("two entries called " + in_quotes(key_));
        break;
      case Inside::metadata:
        if (metadata.contains(text)) throw error("two metadata entries called " + in_quotes(text));
        if (metadata.size() >= kMostTensors)
          throw error("more than " + std::to_string(kMostTensors) + " metadata entries");
        break;
      default:
        break;
    }
    field_ = text;
    return true;
  }
  bool string(string_t& text) override {
    if (inside_ == Inside::metadata) {
      metadata.emplace(field_, text);
      return true;
    }
    if (inside_ != Inside::tensor || field_ != "dtype") throw error("a text in " + where());
    if (entry_.type != nullptr) throw error("two dtypes for " + in_quotes(key_));
    const auto known = std::ranges::find(kNumberTypes, std::string_view(text), &NumberType::name);
    if (known == std::end(kNumberTypes)) {
      throw error("dtype " + in_quotes(text) + " for " + in_quotes(key_) +
                  " (known are F32, F16, BF16 and F64; integers are passed over)");
    }
    entry_.type = &*known;
    return true;
  }
  bool start_array(std::size_t) override {
    if (inside_ == Inside::tensor && field_ == "shape" && !entry_.shape) {
      entry_.shape.emplace();
      inside_ = Inside::shape;
    } else if (inside_ == Inside::tensor && field_ == "data_offsets" && entry_.offsets.empty()) {
      inside_ = Inside::offsets;
    } else {
      throw error("an array in " + where());
    }
    return true;
  }
  bool end_array() override {
    if (inside_ == Inside::offsets && entry_.offsets.size() != 2)
      throw error("not two data_offsets for " + in_quotes(key_));
    inside_ = Inside::tensor;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (inside_ == Inside::shape && entry_.shape->size() < kMostAxes &&
        value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      entry_.shape->push_back(static_cast<std::int64_t>(value));
    } else if (inside_ == Inside::offsets && entry_.offsets.size() < 2) {
      entry_.offsets.push_back(value);
    } else {
      throw error("the number " + std::to_string(value) + " in " + where());
    }
    return true;
  }
  bool number_integer(number_integer_t value) override {
    throw error("the number " + std::to_string(value) + " in " + where());
  }
  bool number_float(number_float_t, const string_t& text) override {
    throw error("the number " + in_quotes(text) + " in " + where());
  }
  bool boolean(bool) override { throw error("a truth value in " + where()); }
  bool null() override { throw error("a null in " + where()); }
  bool binary(binary_t&) override { throw error("binary data in " + where()); }
  bool parse_error(std::size_t position, const std::string& last,
                   const nlohmann::detail::exception&) override {
    throw malformed(name_, "its safetensors header is no valid JSON: byte " + std::to_string(position) +
                               ", at " + in_quotes(last) + "; the file is damaged, download it again");
  }

 private:
  enum class Inside { nothing, header, tensor, shape, offsets, metadata };

  void keep_entry() {
    if (entry_.type == nullptr || !entry_.shape || entry_.offsets.empty())
      throw error(in_quotes(key_) + " without dtype, shape and data_offsets");
    if (entries.size() >= kMostTensors) throw error("more than " + std::to_string(kMostTensors) + " tensors");
    entries.emplace(key_, std::move(entry_));
  }
  std::string where() const {
    switch (inside_) {
      case Inside::nothing:
        return "the position of the object of tensors";
      case Inside::header:
        return "the position of the entry " + in_quotes(key_);
      case Inside::metadata:
        return "the metadata (only text is allowed)";
      default:
        return "the entry " + in_quotes(key_) + " (field " + in_quotes(field_) + ")";
    }
  }
  Error error(const std::string& found) const {
    return malformed(name_, "its safetensors header breaks the format's rules: " + found +
                                "; convert the weights again with the program that wrote them");
  }

  const std::string& name_;
  Inside inside_ = Inside::nothing;
  std::string key_;    ///< of the header's entry
  std::string field_;  ///< of the tensor or the metadata
  bool has_metadata_ = false;
  Entry entry_;
};

std::string_view find_header(std::span<const std::byte> bytes, const std::string& name) {
  ByteReader reader(bytes, name, "the safetensors file");
  const std::uint64_t length = reader.u64();
  if (length > kLongestHeader) {
    throw malformed(name, "its safetensors header claims " + std::to_string(length) +
                              " bytes; expected at most " + std::to_string(kLongestHeader) +
                              ". The file is damaged or of another kind");
  }
  const std::string_view header = reader.text(length);
  if (!header.starts_with('{'))
    throw malformed(name,
                    "its safetensors header does not begin with '{'; the file is damaged or of another kind");
  return header;
}

/// Checks one tensor's offsets against the end of the previous one, and its size against its shape.
void check_entry(const std::string& key, const Entry& entry, std::uint64_t end, std::uint64_t data_size,
                 const std::string& name) {
  const std::uint64_t first = entry.offsets[0], last = entry.offsets[1];
  const std::string where =
      "tensor " + in_quotes(key) + " at bytes " + std::to_string(first) + " to " + std::to_string(last) + " ";
  if (first > last || last > data_size) {
    throw malformed(name, where + "is outside the file's " + std::to_string(data_size) +
                              " bytes of data; the file is damaged or truncated, download it again");
  }
  if (first != end) {
    throw malformed(name, where + (first < end ? "overlaps the one before it" : "leaves a hole before it") +
                              ": expected it to begin at " + std::to_string(end) +
                              "; the file is damaged, download it again");
  }
  const auto expected = dense_bytes(*entry.shape, entry.type->element);
  if (!expected || *expected != last - first) {
    throw malformed(name, where + "does not fit its shape " + to_string(*entry.shape) + " in " +
                              std::string(entry.type->name) + ", which takes " +
                              (expected ? std::to_string(*expected) : "too many") +
                              " bytes; the file is damaged, download it again");
  }
}

/// Enforces the format: tensors are contiguous from the header to the end of the file, without hole or
/// overlap, and each has exactly the size given by its shape.
void check_layout(const std::map<std::string, Entry>& entries, std::uint64_t data_size,
                  const std::string& name) {
  std::vector<const std::pair<const std::string, Entry>*> order;
  order.reserve(entries.size());
  for (const auto& entry : entries) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const auto* entry) {
    return std::pair(entry->second.offsets[0], entry->second.offsets[1]);
  });
  std::uint64_t end = 0;
  for (const auto* item : order) {
    check_entry(item->first, item->second, end, data_size, name);
    end = item->second.offsets[1];
  }
  if (end != data_size) {
    throw malformed(name, "its tensors end at byte " + std::to_string(end) + " of " +
                              std::to_string(data_size) +
                              " bytes of data; the file is damaged, download it again");
  }
}

std::string json_text(const std::string& text) {
  try {
    return base::Json(text).dump();
  } catch (const base::Json::exception&) {
    throw Error("cannot write " + in_quotes(text) + " into a safetensors header: it is not UTF-8; rename it");
  }
}

std::string_view type_name(DType dtype) {
  return dtype == DType::f32 ? "F32" : dtype == DType::f16 ? "F16" : "BF16";
}

using NamedWeight = std::pair<const std::string, Weight>;

/// By descending element size, so that every tensor is aligned to its elements; then by name.
std::vector<const NamedWeight*> file_order(const TensorFile& content, const Storing& storing) {
  std::vector<const NamedWeight*> order;
  for (const NamedWeight& tensor : content.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater{},
                           [&](const NamedWeight* t) { return byte_size(storing.dtype(t->second)); });
  return order;
}

std::string make_header(const TensorFile& content, const std::vector<const NamedWeight*>& order,
                        const Storing& storing) {
  std::string text = "{";
  if (!content.metadata.empty()) {
    text += json_text(std::string(kMetadataKey)) + ":{";
    for (const auto& [key, value] : content.metadata) text += json_text(key) + ":" + json_text(value) + ",";
    text.back() = '}';
    text += ",";
  }
  std::uint64_t at = 0;
  for (const NamedWeight* tensor : order) {
    const auto& [name, weight] = *tensor;
    if (name == kMetadataKey)
      throw Error("a tensor cannot be called '__metadata__' in a safetensors file; rename it");
    const DType dtype = storing.dtype(weight);
    const std::uint64_t bytes = static_cast<std::uint64_t>(weight.size()) * byte_size(dtype);
    text += json_text(name) + R"(:{"dtype":")" + std::string(type_name(dtype)) + R"(","shape":)" +
            base::Json(weight.shape()).dump() + R"(,"data_offsets":[)" + std::to_string(at) + "," +
            std::to_string(at + bytes) + "]},";
    at += bytes;
  }
  if (text.back() == ',') text.pop_back();
  text += "}";
  const std::size_t beyond = (kLengthBytes + text.size()) % kDataAlignment;
  if (beyond != 0) text.append(kDataAlignment - beyond, ' ');
  if (text.size() > kLongestHeader)
    throw Error("the safetensors header would have " + std::to_string(text.size()) + " bytes; at most " +
                std::to_string(kLongestHeader) + " are allowed. Shorten the metadata");
  return text;
}

}  // namespace

TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                             const std::string& name) {
  const std::string_view header = find_header(bytes, name);
  HeaderReader reader(name);
  base::Json::sax_parse(header, &reader);
  const auto data = bytes.subspan(kLengthBytes + header.size());
  check_layout(reader.entries, data.size(), name);
  TensorFile file;
  file.metadata = std::move(reader.metadata);
  for (auto& [key, entry] : reader.entries) {
    const auto view = data.subspan(entry.offsets[0], entry.offsets[1] - entry.offsets[0]);
    if (entry.type->use == NumberType::keep)
      file.tensors.emplace(key, Weight(entry.type->dtype, *entry.shape, view, owner));
    else if (entry.type->use == NumberType::narrow)
      file.tensors.emplace(key, narrowed(*entry.shape, view));
  }
  return file;
}

TensorFile read_safetensors(const std::filesystem::path& file) {
  const auto mapped = base::MappedFile::open(file);
  return parse_safetensors(mapped->bytes(), mapped, file.string());
}

Storing as_they_are() {
  return {[](const Weight& weight) { return weight.dtype(); },
          [](const std::string&, const Weight& weight) { return weight; }};
}

void write_safetensors(const std::filesystem::path& file, const TensorFile& content, const Storing& storing) {
  const std::vector<const NamedWeight*> order = file_order(content, storing);
  const std::string header = make_header(content, order, storing);
  const std::uint64_t length = header.size();
  base::AtomicFile out(file);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const NamedWeight* tensor : order) {
    const auto& [name, weight] = *tensor;
    out.write(storing.stored(name, weight).bytes());
    base::release_pages(weight.owner(), weight.bytes());
  }
  out.commit();
}

}  // namespace ablaze::formats
