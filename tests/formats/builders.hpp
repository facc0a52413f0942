#pragma once

// Builds model files byte by byte, so that tests can make each part invalid.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ablaze/tensor.hpp>

#include "formats/tensor_file.hpp"
#include "support/message_of.hpp"

namespace ablaze::testing {

/// A heap copy of exactly this size, so that AddressSanitizer detects a read one byte beyond.
inline std::vector<std::byte> to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

template <class Number>
std::string raw(Number number) {
  std::string text(sizeof number, '\0');
  std::memcpy(text.data(), &number, sizeof number);
  return text;
}

inline std::string floats(std::vector<float> numbers) {
  std::string text;
  for (const float number : numbers) text += raw(number);
  return text;
}

inline std::vector<float> values(const Weight& weight) {
  const Tensor tensor = weight.to_tensor();
  return {tensor.values().begin(), tensor.values().end()};
}

inline std::string safetensors(const std::string& header, const std::string& data) {
  return raw(std::uint64_t{header.size()}) + header + data;
}

struct ZipPart {
  std::string name, content;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
};

/// A zip archive; with `zip64`, sizes and offsets are in the zip64 fields, as PyTorch writes large files.
inline std::string zip(const std::vector<ZipPart>& parts, bool zip64 = false,
                       const std::string& comment = "") {
  std::string text, directory;
  for (const ZipPart& part : parts) {
    const auto size = static_cast<std::uint32_t>(part.content.size());
    const auto name_length = static_cast<std::uint16_t>(part.name.size());
    const auto at = static_cast<std::uint32_t>(text.size());
    const std::string padding = "FB" + raw(std::uint16_t{3}) + "ZZZ";  // an unknown extra field
    text += "PK\x03\x04" + raw(std::uint16_t{20}) + raw(part.flags) + raw(part.method) +
            raw(std::uint32_t{0}) + raw(std::uint32_t{0}) + raw(size) + raw(size) + raw(name_length) +
            raw(static_cast<std::uint16_t>(padding.size())) + part.name + padding + part.content;
    const std::uint32_t large = 0xFFFFFFFF;
    const std::string extra = zip64 ? padding + raw(std::uint16_t{1}) + raw(std::uint16_t{24}) +
                                          raw(std::uint64_t{size}) + raw(std::uint64_t{size}) +
                                          raw(std::uint64_t{at})
                                    : "";
    directory += "PK\x01\x02" + raw(std::uint32_t{0}) + raw(part.flags) + raw(part.method) +
                 raw(std::uint32_t{0}) + raw(std::uint32_t{0}) + raw(zip64 ? large : size) +
                 raw(zip64 ? large : size) + raw(name_length) +
                 raw(static_cast<std::uint16_t>(extra.size())) + raw(std::uint16_t{0}) +
                 std::string(8, '\0') + raw(zip64 ? large : at) + part.name + extra;
  }
  const std::uint64_t at = text.size(), count = parts.size(), size = directory.size();
  text += directory;
  if (zip64) {
    const std::uint64_t end64 = text.size();
    text += "PK\x06\x06" + raw(std::uint64_t{44}) + std::string(12, '\0') + raw(count) + raw(count) +
            raw(size) + raw(at);
    text += "PK\x06\x07" + raw(std::uint32_t{0}) + raw(end64) + raw(std::uint32_t{1});
  }
  const auto short_count = zip64 ? std::uint16_t{0xFFFF} : static_cast<std::uint16_t>(count);
  text += std::string("PK\x05\x06") + std::string(4, '\0') + raw(short_count) + raw(short_count) +
          raw(zip64 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(size)) +
          raw(zip64 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(at)) +
          raw(static_cast<std::uint16_t>(comment.size())) + comment;
  return text;
}

/// Parts of a pickle of protocol 2, as torch.save writes them.
namespace pickled {

inline std::string text(const std::string& content) {
  return "X" + raw(static_cast<std::uint32_t>(content.size())) + content;
}
inline std::string integer(std::int64_t value) { return "\x8a\x08" + raw(value); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::int64_t>& numbers) {
  std::string all = "(";
  for (const std::int64_t number : numbers) all += integer(number);
  return all + "t";
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t elements) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(elements) + "tQ";
}
inline std::string tensor(const std::string& storage, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + integer(offset) + tuple(shape) +
         tuple(strides) + "\x89" + global("collections", "OrderedDict") + ")RtR";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickled

/// A PyTorch file with one float storage of `elements` numbers 0, 1, 2, ... with key "0".
inline std::string pytorch(const std::string& pickle, int elements = 12) {
  std::vector<float> numbers;
  for (int i = 0; i < elements; ++i) numbers.push_back(static_cast<float>(i));
  return zip({{"net/data.pkl", pickle},
              {"net/byteorder", "little"},
              {"net/data/0", floats(numbers)},
              {"net/version", "3\n"}});
}

/// The error message for a file in memory; empty if it is read.
inline std::string refusal(const std::string& file) {
  const std::vector<std::byte> bytes = to_bytes(file);
  return message_of([&] { formats::parse_tensor_file(bytes, nullptr, "model"); });
}

}  // namespace ablaze::testing
