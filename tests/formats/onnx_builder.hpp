#pragma once

// Builds ONNX files field by field, so that tests can make each part invalid.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "builders.hpp"

namespace ablaze::testing::onnx {

inline std::string varint(std::uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}
inline std::string number(int field, std::int64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(static_cast<std::uint64_t>(value));
}
inline std::string bytes(int field, const std::string& content) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(content.size()) + content;
}
inline std::string real(int field, float value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 5) + raw(value);
}

inline std::string floats_tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                                 const std::vector<float>& numbers) {
  std::string dims;
  for (const std::int64_t n : shape) dims += number(1, n);
  return dims + number(2, 1) + bytes(8, name) + bytes(9, floats(numbers));
}
inline std::string integers_tensor(const std::string& name, const std::vector<std::int64_t>& numbers) {
  std::string data;
  for (const std::int64_t n : numbers) data += raw(n);
  return number(1, static_cast<std::int64_t>(numbers.size())) + number(2, 7) + bytes(8, name) +
         bytes(9, data);
}

inline std::string attribute(const std::string& name, std::int64_t value) {
  return bytes(5, bytes(1, name) + number(3, value) + number(20, 2));
}
inline std::string attribute(const std::string& name, float value) {
  return bytes(5, bytes(1, name) + real(2, value) + number(20, 1));
}
inline std::string attribute(const std::string& name, const std::string& value) {
  return bytes(5, bytes(1, name) + bytes(4, value) + number(20, 3));
}
inline std::string attribute(const std::string& name, const std::vector<std::int64_t>& values) {
  std::string packed;
  for (const std::int64_t value : values) packed += varint(static_cast<std::uint64_t>(value));
  return bytes(5, bytes(1, name) + bytes(8, packed) + number(20, 7));
}

inline std::string node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs, const std::string& attributes = "",
                        const std::string& name = "") {
  std::string text;
  for (const std::string& input : inputs) text += bytes(1, input);
  for (const std::string& output : outputs) text += bytes(2, output);
  return bytes(1, text + bytes(3, name) + bytes(4, op) + attributes);
}
inline std::string initializer(const std::string& tensor) { return bytes(5, tensor); }

inline std::string value_info(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::string dims;
  for (const std::int64_t n : shape) dims += bytes(1, n > 0 ? number(1, n) : bytes(2, "open"));
  return bytes(1, name) + bytes(2, bytes(1, number(1, 1) + bytes(2, dims)));
}

inline std::string model(const std::string& graph, std::int64_t opset = 13) {
  return number(1, 7) + bytes(2, "test") + bytes(7, graph) + bytes(8, bytes(1, "") + number(2, opset));
}
/// A graph from "x" [1, 3, 4, 6] to "y".
inline std::string from_x_to_y(const std::string& nodes, std::vector<std::int64_t> shape = {1, 3, 4, 6}) {
  return nodes + bytes(11, value_info("x", shape)) + bytes(12, value_info("y", {1, 2}));
}

}  // namespace ablaze::testing::onnx
