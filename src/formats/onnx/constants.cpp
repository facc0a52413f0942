#include <algorithm>
#include <limits>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Folding of constant expressions: exporters compute the sizes of reshapes in the graph.

namespace ablaze::formats {
namespace {

// More than any shape computation needs; keeps a small file from creating large lists.
constexpr std::int64_t kMostIntegers = 1 << 16;

std::int64_t clamp_index(std::int64_t index, std::int64_t length, std::int64_t low, std::int64_t high) {
  if (index < 0) index = index < -length ? low : index + length;
  return std::clamp(index, low, high);
}

}  // namespace

const OnnxTensor& OnnxImporter::known(const OnnxNode& node, std::size_t input) const {
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr) refuse(node, "its input " + std::to_string(input + 1) + " is missing");
  return *tensor;
}

OnnxImporter::Handler OnnxImporter::folder_of(std::string_view op) {
  using I = OnnxImporter;
  static const std::map<std::string_view, Handler> handlers{
      {"Gather", &I::fold_gather},  {"Concat", &I::fold_concat},  {"Slice", &I::fold_slice},
      {"Add", &I::fold_arithmetic}, {"Sub", &I::fold_arithmetic}, {"Mul", &I::fold_arithmetic},
      {"Div", &I::fold_arithmetic}, {"Unsqueeze", &I::fold_axes}, {"Squeeze", &I::fold_axes},
      {"Reshape", &I::fold_axes},   {"Cast", &I::fold_axes},      {"Identity", &I::fold_axes},
      {"Floor", &I::fold_axes},     {"Ceil", &I::fold_axes},      {"ConstantOfShape", &I::constant_of_shape},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

bool OnnxImporter::folds(std::string_view op) {
  return op == "Constant" || op == "Shape" || op == "Size" || folder_of(op) != nullptr;
}

bool OnnxImporter::fold(const OnnxNode& node) {
  if (node.op == "Constant") {
    constant_node(node);
    return true;
  }
  if (node.op == "Shape" || node.op == "Size") {
    shape_node(node);
    return true;
  }
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (given(node, i) && constant(node, i) == nullptr) return false;
  }
  if (node.inputs.empty()) return false;
  const Handler handler = folder_of(node.op);
  if (handler == nullptr) refuse(node, "this operator is not supported on constants");
  (this->*handler)(node);
  return true;
}

void OnnxImporter::constant_node(const OnnxNode& node) {
  for (const auto& [name, attribute] : node.attributes) {
    if (name == "value" && attribute.tensor) return set(node, *attribute.tensor);
    if (name == "value_int") return set_constant(node, {}, {attribute.integer});
    if (name == "value_ints") {
      const auto count = static_cast<std::int64_t>(attribute.integers.size());
      return set_constant(node, {count}, attribute.integers);
    }
    if (name == "value_float")
      return set(node, OnnxTensor{{}, Tensor({}, std::span(&attribute.real, 1)), {}});
    if (name == "value_floats") {
      const auto count = static_cast<std::int64_t>(attribute.reals.size());
      return set(node, OnnxTensor{{count}, Tensor({count}, attribute.reals), {}});
    }
  }
  refuse(node, "this type of constant is not supported");
}

void OnnxImporter::shape_node(const OnnxNode& node) {
  const OnnxTensor* known = constant(node, 0);
  const Shape& shape = known != nullptr ? known->shape : any_flow(node).shape;
  if (node.op == "Size") return set_constant(node, {}, {element_count(shape)});
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t begin = clamp_index(integer(node, "start", 0), rank, 0, rank);
  const std::int64_t end = clamp_index(integer(node, "end", rank), rank, 0, rank);
  const std::vector<std::int64_t> part(shape.begin() + begin, shape.begin() + std::max(begin, end));
  set_constant(node, {static_cast<std::int64_t>(part.size())}, part);
}

void OnnxImporter::fold_gather(const OnnxNode& node) {
  const OnnxTensor &from = known(node, 0), &indices = known(node, 1);
  if (from.floats || from.shape.size() > 1 || integer(node, "axis", 0) != 0)
    refuse(node, "of constants, only a list of integers is supported");
  const auto count = static_cast<std::int64_t>(from.integers.size());
  std::vector<std::int64_t> result;
  for (const std::int64_t index : indices.integers) {
    if (index < -count || index >= count) refuse(node, "it has no element " + std::to_string(index));
    result.push_back(from.integers[index < 0 ? index + count : index]);
  }
  set_constant(node, indices.shape, std::move(result));
}

void OnnxImporter::fold_concat(const OnnxNode& node) {
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxTensor& part = known(node, i);
    if (part.floats || part.shape.size() != 1)
      refuse(node, "only lists of integers are supported as constants");
    result.insert(result.end(), part.integers.begin(), part.integers.end());
    if (static_cast<std::int64_t>(result.size()) > kMostIntegers)
      refuse(node, "its result is too long a list");
  }
  const auto count = static_cast<std::int64_t>(result.size());
  set_constant(node, {count}, std::move(result));
}

void OnnxImporter::fold_slice(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const auto starts = integers(node, "starts", 1), ends = integers(node, "ends", 2),
             steps = integers(node, "steps", 4);
  const std::int64_t step = steps && !steps->empty() ? steps->front() : 1;
  if (from.floats || from.shape.size() != 1 || !starts || !ends || starts->size() != 1 || ends->size() != 1 ||
      step < 1)
    refuse(node, "only a list of integers, with positive steps, is supported as a constant");
  const auto count = static_cast<std::int64_t>(from.integers.size());
  const std::int64_t begin = clamp_index(starts->front(), count, 0, count),
                     end = clamp_index(ends->front(), count, 0, count);
  std::vector<std::int64_t> result;
  for (std::int64_t i = begin; i < end; i += std::min(step, count)) result.push_back(from.integers[i]);
  const auto length = static_cast<std::int64_t>(result.size());
  set_constant(node, {length}, std::move(result));
}

void OnnxImporter::fold_arithmetic(const OnnxNode& node) {
  const OnnxTensor &a = known(node, 0), &b = known(node, 1);
  const std::size_t count = std::max(a.integers.size(), b.integers.size());
  const auto fits = [&](const OnnxTensor& t) { return t.integers.size() == count || t.integers.size() == 1; };
  if (a.floats || b.floats || !fits(a) || !fits(b)) refuse(node, "of constants, only integers are supported");
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t x = a.integers[a.integers.size() == 1 ? 0 : i],
                       y = b.integers[b.integers.size() == 1 ? 0 : i];
    std::int64_t z = 0;
    const bool overflow = node.op == "Add"   ? __builtin_add_overflow(x, y, &z)
                          : node.op == "Sub" ? __builtin_sub_overflow(x, y, &z)
                                             : node.op == "Mul" && __builtin_mul_overflow(x, y, &z);
    if (overflow) refuse(node, "its result is out of range");
    if (node.op == "Div") {
      if (y == 0 || (x == std::numeric_limits<std::int64_t>::min() && y == -1))
        refuse(node, "it divides by zero");
      z = x / y;
    }
    result.push_back(z);
  }
  set_constant(node, a.integers.size() == count ? a.shape : b.shape, std::move(result));
}

/// The same numbers with another shape. Floor, Ceil and Cast leave integers unchanged.
void OnnxImporter::fold_axes(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  if (node.op != "Unsqueeze" && node.op != "Squeeze" && node.op != "Reshape") {
    if (node.op == "Cast" && from.floats) refuse(node, "of constants, only integers are supported");
    return set(node, from);
  }
  const std::int64_t count =
      from.floats ? from.floats.size() : static_cast<std::int64_t>(from.integers.size());
  Shape shape{count};
  if (node.op == "Squeeze" && count == 1) shape = {};
  if (node.op == "Reshape") {
    const OnnxTensor& wanted = known(node, 1);
    const bool all_positive = std::ranges::all_of(wanted.integers, [](std::int64_t n) { return n > 0; });
    if (all_positive && dense_bytes(wanted.integers, 1) == static_cast<std::uint64_t>(count))
      shape = wanted.integers;
  }
  if (shape.size() > kMostAxes) refuse(node, "it has too many axes");
  OnnxTensor result{shape, {}, from.integers};
  if (from.floats)
    result.floats = Weight(from.floats.dtype(), shape, from.floats.bytes(), from.floats.owner());
  set(node, std::move(result));
}

void OnnxImporter::constant_of_shape(const OnnxNode& node) {
  const OnnxTensor& wanted = known(node, 0);
  const auto count = dense_bytes(wanted.integers, 1);
  if (wanted.floats || !count || *count > static_cast<std::uint64_t>(kMostIntegers))
    refuse(node, "its result is too large a constant");
  const auto found = node.attributes.find("value");
  const OnnxTensor* value =
      found == node.attributes.end() || !found->second.tensor ? nullptr : &*found->second.tensor;
  if (value != nullptr && value->integers.size() == 1) {
    return set_constant(node, wanted.integers,
                        std::vector<std::int64_t>(static_cast<std::size_t>(*count), value->integers.front()));
  }
  Tensor filled(wanted.integers);
  const float number = value != nullptr && value->floats.size() == 1 ? value->floats.to_tensor()[0] : 0.0F;
  std::ranges::fill(filled.values(), number);
  set(node, OnnxTensor{wanted.integers, std::move(filled), {}});
}

}  // namespace ablaze::formats
