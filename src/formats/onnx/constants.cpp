#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Folding of constant expressions: exporters compute the sizes of reshapes in the graph, and leave some
// weights to be reshaped or transposed.

namespace ablaze::formats {
namespace {

// More than any shape computation needs; keeps a small file from creating large lists.
constexpr std::int64_t kMostIntegers = 1 << 16;

std::int64_t clamp_index(std::int64_t index, std::int64_t length, std::int64_t low, std::int64_t high) {
  if (index < 0) index = index < -length ? low : index + length;
  return std::clamp(index, low, high);
}

std::vector<float> floats_of(const OnnxTensor& tensor) {
  std::vector<float> numbers(static_cast<std::size_t>(tensor.floats.size()));
  tensor.floats.read(0, numbers);
  return numbers;
}

OnnxTensor tensor_of(Shape shape, const std::vector<float>& numbers) {
  Tensor tensor(shape, numbers);
  return {std::move(shape), std::move(tensor), {}};
}

/// The elements of a tensor at the given positions.
OnnxTensor picked(const OnnxTensor& from, Shape shape, const std::vector<std::int64_t>& positions) {
  OnnxTensor result{std::move(shape), {}, {}};
  if (from.floats) {
    const std::vector<float> numbers = floats_of(from);
    std::vector<float> own(positions.size());
    std::ranges::transform(positions, own.begin(), [&](std::int64_t at) { return numbers[at]; });
    result.floats = Tensor(result.shape, own);
  } else {
    result.integers.resize(positions.size());
    std::ranges::transform(positions, result.integers.begin(),
                           [&](std::int64_t at) { return from.integers[at]; });
  }
  return result;
}

/// The same numbers with another shape.
OnnxTensor reshaped(const OnnxTensor& from, Shape shape) {
  OnnxTensor result{std::move(shape), {}, from.integers};
  if (from.floats)
    result.floats = Weight(from.floats.dtype(), result.shape, from.floats.bytes(), from.floats.owner());
  return result;
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Calls visit(i, index) for every element of a tensor, in order.
template <class Visit>
void for_each_index(const Shape& shape, Visit visit) {
  std::vector<std::int64_t> index(shape.size(), 0);
  const std::int64_t count = element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(i, index);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// The shape of two constants combined element by element; nothing where they do not match.
std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    shape[shape.size() - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

/// For each axis of `shape`, the step in a tensor that is enlarged to it.
std::vector<std::int64_t> steps_in(const Shape& own, const Shape& shape) {
  const std::vector<std::int64_t> strides = strides_of(own);
  std::vector<std::int64_t> steps(shape.size(), 0);
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    if (own[axis] > 1) steps[shape.size() - own.size() + axis] = strides[axis];
  }
  return steps;
}

std::int64_t position(const std::vector<std::int64_t>& index, const std::vector<std::int64_t>& steps) {
  return std::inner_product(index.begin(), index.end(), steps.begin(), std::int64_t{0});
}

/// Element `first` + the sum of index[axis] * steps[axis] of a tensor, for each index of `shape`.
OnnxTensor strided(const OnnxTensor& from, const Shape& shape, std::int64_t first,
                   const std::vector<std::int64_t>& steps) {
  OnnxTensor result{shape, {}, {}};
  if (!from.floats) {
    result.integers.resize(static_cast<std::size_t>(element_count(shape)));
    for_each_index(shape, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
      result.integers[i] = from.integers[first + position(index, steps)];
    });
    return result;
  }
  const Tensor numbers = from.floats.to_tensor();
  Tensor to(shape);
  for_each_index(shape, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
    to[i] = numbers[first + position(index, steps)];
  });
  result.floats = std::move(to);
  return result;
}

/// Of integers: nothing where the result is out of range.
std::optional<std::int64_t> integer_result(std::string_view op, std::int64_t x, std::int64_t y) {
  std::int64_t z = 0;
  if (op == "Add") return __builtin_add_overflow(x, y, &z) ? std::nullopt : std::optional(z);
  if (op == "Sub") return __builtin_sub_overflow(x, y, &z) ? std::nullopt : std::optional(z);
  if (op == "Mul") return __builtin_mul_overflow(x, y, &z) ? std::nullopt : std::optional(z);
  if (op == "Min") return std::min(x, y);
  if (op == "Max") return std::max(x, y);
  if (op == "Equal") return x == y;
  if (op == "Less") return x < y;
  if (op == "Greater") return x > y;
  if (op == "LessOrEqual") return x <= y;
  if (op == "GreaterOrEqual") return x >= y;
  if (op == "And") return x != 0 && y != 0;
  if (op == "Or") return x != 0 || y != 0;
  const bool undefined = y == 0 || (x == std::numeric_limits<std::int64_t>::min() && y == -1);
  if (op == "Div") return undefined ? std::nullopt : std::optional(x / y);
  if (op == "Mod") return undefined ? std::nullopt : std::optional((x % y + y) % y);
  return std::nullopt;  // Pow
}

std::optional<double> real_result(std::string_view op, double x, double y) {
  if (op == "Add") return x + y;
  if (op == "Sub") return x - y;
  if (op == "Mul") return x * y;
  if (op == "Div") return x / y;
  if (op == "Min") return std::min(x, y);
  if (op == "Max") return std::max(x, y);
  if (op == "Pow") return std::pow(x, y);
  if (op == "Mod") return std::fmod(x, y);
  return std::nullopt;
}

bool compares(std::string_view op) {
  return op == "Equal" || op == "Less" || op == "Greater" || op == "LessOrEqual" || op == "GreaterOrEqual";
}

/// The least and greatest number of an integer type.
std::pair<std::int64_t, std::int64_t> range_of(std::int64_t type) {
  switch (type) {
    case uint8:
      return {0, 255};
    case int8:
      return {-128, 127};
    case uint16:
      return {0, 65535};
    case int16:
      return {-32768, 32767};
    case int32:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case uint32:
      return {0, std::numeric_limits<std::uint32_t>::max()};
    case uint64:
      return {0, std::numeric_limits<std::int64_t>::max()};
    default:
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

bool compared(std::string_view op, double x, double y) {
  if (op == "Equal") return x == y;
  if (op == "Less") return x < y;
  if (op == "Greater") return x > y;
  return op == "LessOrEqual" ? x <= y : x >= y;
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
      {"Gather", &I::fold_gather},
      {"Concat", &I::fold_concat},
      {"Slice", &I::fold_slice},
      {"Add", &I::fold_binary},
      {"Sub", &I::fold_binary},
      {"Mul", &I::fold_binary},
      {"Div", &I::fold_binary},
      {"Mod", &I::fold_binary},
      {"Pow", &I::fold_binary},
      {"Min", &I::fold_binary},
      {"Max", &I::fold_binary},
      {"Equal", &I::fold_binary},
      {"Less", &I::fold_binary},
      {"Greater", &I::fold_binary},
      {"LessOrEqual", &I::fold_binary},
      {"GreaterOrEqual", &I::fold_binary},
      {"And", &I::fold_binary},
      {"Or", &I::fold_binary},
      {"Where", &I::fold_where},
      {"Neg", &I::fold_unary},
      {"Abs", &I::fold_unary},
      {"Not", &I::fold_unary},
      {"Floor", &I::fold_unary},
      {"Ceil", &I::fold_unary},
      {"Round", &I::fold_unary},
      {"Sqrt", &I::fold_unary},
      {"Reciprocal", &I::fold_unary},
      {"Exp", &I::fold_unary},
      {"Log", &I::fold_unary},
      {"Identity", &I::fold_unary},
      {"Dropout", &I::fold_unary},
      {"Cast", &I::fold_cast},
      {"CastLike", &I::fold_cast},
      {"Unsqueeze", &I::fold_shape},
      {"Squeeze", &I::fold_shape},
      {"Reshape", &I::fold_shape},
      {"Flatten", &I::fold_shape},
      {"Transpose", &I::fold_transpose},
      {"Expand", &I::fold_expand},
      {"Range", &I::fold_range},
      {"ReduceProd", &I::fold_reduce},
      {"ReduceSum", &I::fold_reduce},
      {"ReduceMin", &I::fold_reduce},
      {"ReduceMax", &I::fold_reduce},
      {"ConstantOfShape", &I::constant_of_shape},
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

/// The number of elements of a result; refuses one that is larger than the file allows.
std::int64_t OnnxImporter::affordable(const OnnxNode& node, const Shape& shape) const {
  const auto count = dense_bytes(shape, 1);
  if (shape.size() > kMostAxes || !count)
    refuse(node, "its result " + to_string(shape) + " is too large a constant");
  if (*count > static_cast<std::uint64_t>(numbers_left_)) throw too_many_numbers();
  return static_cast<std::int64_t>(*count);
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
  if (known == nullptr) network_.reads_its_size = true;
  if (node.op == "Size") return set_constant(node, {}, {element_count(shape)});
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t begin = clamp_index(integer(node, "start", 0), rank, 0, rank);
  const std::int64_t end = clamp_index(integer(node, "end", rank), rank, 0, rank);
  const std::vector<std::int64_t> part(shape.begin() + begin, shape.begin() + std::max(begin, end));
  set_constant(node, {static_cast<std::int64_t>(part.size())}, part);
}

// ---- parts and joins ---------------------------------------------------------------------------------

void OnnxImporter::fold_gather(const OnnxNode& node) {
  const OnnxTensor &from = known(node, 0), &indices = known(node, 1);
  if (indices.floats || from.shape.empty()) refuse(node, "expected integers as its indices");
  const auto at = static_cast<std::size_t>(axis(node, integer(node, "axis", 0), from.shape.size()));
  const std::int64_t size = from.shape[at];
  Shape shape(from.shape.begin(), from.shape.begin() + static_cast<std::ptrdiff_t>(at));
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), from.shape.begin() + static_cast<std::ptrdiff_t>(at) + 1, from.shape.end());
  for (const std::int64_t index : indices.integers)
    if (index < -size || index >= size) refuse(node, "it has no element " + std::to_string(index));
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(affordable(node, shape)));
  const std::vector<std::int64_t> strides = strides_of(from.shape);
  const std::int64_t inner = strides[at], all = element_count(from.shape);
  const std::int64_t outer = all == 0 ? 0 : all / (size * inner);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t index : indices.integers) {
      const std::int64_t first = (o * size + (index < 0 ? index + size : index)) * inner;
      for (std::int64_t i = 0; i < inner; ++i) positions.push_back(first + i);
    }
  }
  set(node, picked(from, std::move(shape), positions));
}

void OnnxImporter::fold_concat(const OnnxNode& node) {
  const OnnxTensor& first = known(node, 0);
  const auto at = static_cast<std::size_t>(axis(node, integer(node, "axis", 0), first.shape.size()));
  Shape shape = first.shape;
  shape[at] = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxTensor& part = known(node, i);
    Shape like = part.shape;
    if (like.size() == shape.size()) like[at] = shape[at];
    if (like != shape || bool{part.floats} != bool{first.floats})
      refuse(node,
             "its parts do not fit together: " + to_string(first.shape) + " and " + to_string(part.shape));
    shape[at] += part.shape[at];
  }
  const std::int64_t count = affordable(node, shape);
  const std::int64_t inner = strides_of(shape)[at], row = shape[at] * inner;
  std::vector<float> floats(first.floats ? static_cast<std::size_t>(count) : 0);
  std::vector<std::int64_t> integers(first.floats ? 0 : static_cast<std::size_t>(count));
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxTensor& part = known(node, i);
    const std::vector<float> numbers = part.floats ? floats_of(part) : std::vector<float>{};
    const std::int64_t own = part.shape[at] * inner;
    for (std::int64_t e = 0; own > 0 && e < element_count(part.shape); ++e) {
      const std::int64_t to = e / own * row + begin + e % own;
      if (part.floats) floats[to] = numbers[e];
      if (!part.floats) integers[to] = part.integers[e];
    }
    begin += own;
  }
  if (first.floats) return set(node, tensor_of(std::move(shape), floats));
  set_constant(node, std::move(shape), std::move(integers));
}

void OnnxImporter::fold_slice(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const std::size_t rank = from.shape.size();
  const auto starts = integers(node, "starts", 1), ends = integers(node, "ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) refuse(node, "its starts and ends do not match");
  std::vector<std::int64_t> all(starts->size());
  std::iota(all.begin(), all.end(), 0);
  const auto along = integers(node, "axes", 3).value_or(all);
  const auto steps = integers(node, "steps", 4).value_or(std::vector<std::int64_t>(starts->size(), 1));
  if (along.size() != starts->size() || steps.size() != starts->size()) refuse(node, "its axes do not match");
  Shape shape = from.shape;
  std::vector<std::int64_t> first(rank, 0), step(rank, 1);
  for (std::size_t i = 0; i < along.size(); ++i) {
    const auto at = static_cast<std::size_t>(axis(node, along[i], rank));
    const std::int64_t size = from.shape[at], by = steps[i];
    if (by == 0 || by == std::numeric_limits<std::int64_t>::min()) refuse(node, "its step is out of range");
    const std::int64_t low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
    const std::int64_t begin = clamp_index((*starts)[i], size, low, high),
                       end = clamp_index((*ends)[i], size, low, high);
    const std::int64_t length = by > 0 ? end - begin : begin - end, stride = by > 0 ? by : -by;
    first[at] = begin;
    step[at] = std::clamp(by, -size - 1, size + 1);
    shape[at] = length <= 0 ? 0 : (length - 1) / stride + 1;
  }
  affordable(node, shape);
  const std::vector<std::int64_t> strides = strides_of(from.shape);
  const std::int64_t start = position(first, strides);
  for (std::size_t a = 0; a < rank; ++a) step[a] *= strides[a];
  set(node, strided(from, shape, start, step));
}

// ---- numbers -----------------------------------------------------------------------------------------

void OnnxImporter::fold_binary(const OnnxNode& node) {
  const OnnxTensor &a = known(node, 0), &b = known(node, 1);
  if (node.inputs.size() > 2) refuse(node, "of constants, only two are supported");
  const auto shape = broadcast(a.shape, b.shape);
  if (!shape)
    refuse(node, "the shapes " + to_string(a.shape) + " and " + to_string(b.shape) + " do not match");
  const auto count = static_cast<std::size_t>(affordable(node, *shape));
  const std::vector<std::int64_t> x = steps_in(a.shape, *shape), y = steps_in(b.shape, *shape);
  if (!a.floats && !b.floats) {
    std::vector<std::int64_t> result(count);
    for_each_index(*shape, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
      const auto z = integer_result(node.op, a.integers[position(index, x)], b.integers[position(index, y)]);
      if (!z) refuse(node, "its result is out of range");
      result[i] = *z;
    });
    return set_constant(node, *shape, std::move(result));
  }
  const auto floats = [](const OnnxTensor& tensor) {
    return tensor.floats ? floats_of(tensor)
                         : std::vector<float>(tensor.integers.begin(), tensor.integers.end());
  };
  const std::vector<float> as = floats(a), bs = floats(b);
  std::vector<float> result(compares(node.op) ? 0 : count);
  std::vector<std::int64_t> truths(compares(node.op) ? count : 0);
  for_each_index(*shape, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
    const auto p = static_cast<double>(as[position(index, x)]),
               q = static_cast<double>(bs[position(index, y)]);
    if (compares(node.op)) {
      truths[i] = compared(node.op, p, q);
      return;
    }
    const auto z = real_result(node.op, p, q);
    if (!z) refuse(node, "of constants, only integers are supported");
    result[i] = static_cast<float>(*z);
  });
  if (compares(node.op)) return set_constant(node, *shape, std::move(truths));
  set(node, tensor_of(*shape, result));
}

void OnnxImporter::fold_unary(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  if (node.op == "Identity" || node.op == "Dropout") return set(node, from);
  const bool rounds = node.op == "Floor" || node.op == "Ceil" || node.op == "Round";
  if (!from.floats) {
    std::vector<std::int64_t> result = from.integers;
    for (std::int64_t& n : result) {
      if (n == std::numeric_limits<std::int64_t>::min()) refuse(node, "its result is out of range");
      if (node.op == "Neg") n = -n;
      if (node.op == "Abs") n = n < 0 ? -n : n;
      if (node.op == "Not") n = n == 0;
    }
    if (!rounds && node.op != "Neg" && node.op != "Abs" && node.op != "Not") refuse(node, "expected floats");
    return set_constant(node, from.shape, std::move(result));
  }
  std::vector<float> result = floats_of(from);
  for (float& value : result) {
    const auto x = static_cast<double>(value);
    double y = x;
    if (node.op == "Neg") y = -x;
    if (node.op == "Abs") y = std::abs(x);
    if (node.op == "Floor") y = std::floor(x);
    if (node.op == "Ceil") y = std::ceil(x);
    if (node.op == "Round") y = std::nearbyint(x);
    if (node.op == "Sqrt") y = std::sqrt(x);
    if (node.op == "Reciprocal") y = 1 / x;
    if (node.op == "Exp") y = std::exp(x);
    if (node.op == "Log") y = std::log(x);
    value = static_cast<float>(y);
  }
  if (node.op == "Not") refuse(node, "expected truth values");
  set(node, tensor_of(from.shape, result));
}

void OnnxImporter::fold_where(const OnnxNode& node) {
  const OnnxTensor &which = known(node, 0), &a = known(node, 1), &b = known(node, 2);
  const auto pair = broadcast(a.shape, b.shape);
  const auto shape = pair ? broadcast(which.shape, *pair) : std::nullopt;
  if (!shape || which.floats || bool{a.floats} != bool{b.floats}) refuse(node, "its inputs do not match");
  affordable(node, *shape);
  const std::vector<std::int64_t> truths = strided(which, *shape, 0, steps_in(which.shape, *shape)).integers;
  OnnxTensor result = strided(b, *shape, 0, steps_in(b.shape, *shape));
  const OnnxTensor other = strided(a, *shape, 0, steps_in(a.shape, *shape));
  if (!a.floats) {
    for (std::size_t i = 0; i < truths.size(); ++i) {
      if (truths[i] != 0) result.integers[i] = other.integers[i];
    }
    return set(node, std::move(result));
  }
  std::vector<float> numbers = floats_of(result);
  const std::vector<float> others = floats_of(other);
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (truths[i] != 0) numbers[i] = others[i];
  }
  set(node, tensor_of(*shape, numbers));
}

void OnnxImporter::fold_cast(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const bool like_integers =
      node.op == "CastLike" && constant(node, 1) != nullptr && !constant(node, 1)->floats;
  const std::int64_t to = node.op == "Cast" ? integer(node, "to", 0)
                          : like_integers   ? std::int64_t{int64}
                                            : std::int64_t{float32};
  if (is_float(to)) {
    if (from.floats) return set(node, from);
    return set(node, tensor_of(from.shape, std::vector<float>(from.integers.begin(), from.integers.end())));
  }
  std::vector<std::int64_t> result = from.integers;
  if (from.floats) {
    for (const float value : floats_of(from)) {
      constexpr float most = 9e18F;
      if (!(std::abs(value) < most)) refuse(node, "its result is out of range");
      result.push_back(to == boolean ? value != 0 : static_cast<std::int64_t>(value));
    }
  } else if (to == boolean) {
    for (std::int64_t& n : result) n = n != 0;
  }
  const std::pair<std::int64_t, std::int64_t> range = range_of(to);
  if (std::ranges::any_of(result, [&](std::int64_t n) { return n < range.first || n > range.second; }))
    refuse(node, "a number is out of range of the integers that it casts to");
  set_constant(node, from.shape, std::move(result));
}

void OnnxImporter::fold_reduce(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  if (from.floats || from.shape.size() > 1)
    refuse(node, "of constants, only a list of integers is supported");
  if (from.integers.empty()) refuse(node, "it has no numbers");
  std::int64_t total = from.integers.front();
  for (std::size_t i = 1; i < from.integers.size(); ++i) {
    const std::string_view op = node.op == "ReduceProd"  ? "Mul"
                                : node.op == "ReduceSum" ? "Add"
                                : node.op == "ReduceMin" ? "Min"
                                                         : "Max";
    const auto next = integer_result(op, total, from.integers[i]);
    if (!next) refuse(node, "its result is out of range");
    total = *next;
  }
  set_constant(node, integer(node, "keepdims", 1) != 0 ? Shape(from.shape.size(), 1) : Shape{}, {total});
}

// ---- shapes ------------------------------------------------------------------------------------------

void OnnxImporter::fold_shape(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const std::int64_t count = element_count(from.shape);
  const std::size_t rank = from.shape.size();
  Shape shape;
  if (node.op == "Flatten") {
    const std::int64_t at = integer(node, "axis", 1);
    const auto split =
        at == static_cast<std::int64_t>(rank) ? rank : static_cast<std::size_t>(axis(node, at, rank));
    const auto middle = from.shape.begin() + static_cast<std::ptrdiff_t>(split);
    shape = {element_count(Shape(from.shape.begin(), middle)),
             element_count(Shape(middle, from.shape.end()))};
  } else if (node.op == "Reshape") {
    shape = known(node, 1).integers;
    if (shape.size() > kMostAxes) refuse(node, "it has too many axes");
    std::int64_t product = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0 && integer(node, "allowzero", 0) == 0 && i < rank) shape[i] = from.shape[i];
      if (shape[i] == -1) continue;
      if (shape[i] < 0 || (shape[i] > 0 && product > std::numeric_limits<std::int32_t>::max() / shape[i]))
        refuse(node, "its shape does not fit " + to_string(from.shape));
      product *= shape[i];
    }
    if (const auto open = std::ranges::find(shape, -1); open != shape.end() && product > 0)
      *open = count / product;
  } else {
    const auto given_axes = integers(node, "axes", 1);
    const bool adds = node.op == "Unsqueeze";
    const std::size_t most = adds ? rank + (given_axes ? given_axes->size() : 0) : rank;
    if (most > kMostAxes) refuse(node, "it has too many axes");
    const auto named = given_axes ? axes(node, *given_axes, most) : std::vector<std::int64_t>{};
    const auto is_named = [&](std::size_t i) {
      return std::ranges::find(named, static_cast<std::int64_t>(i)) != named.end();
    };
    std::size_t next = 0;
    for (std::size_t i = 0; i < most; ++i) {
      if (adds) {
        shape.push_back(is_named(i) ? 1 : from.shape[next++]);
      } else if (given_axes ? !is_named(i) : from.shape[i] != 1) {
        shape.push_back(from.shape[i]);
      }
    }
  }
  if (dense_bytes(shape, 1) != static_cast<std::uint64_t>(count))
    refuse(node, "its shape " + to_string(shape) + " does not fit " + to_string(from.shape));
  set(node, reshaped(from, std::move(shape)));
}

void OnnxImporter::fold_transpose(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const std::size_t rank = from.shape.size();
  std::vector<std::int64_t> perm = integers(node, "perm", 99).value_or(std::vector<std::int64_t>{});
  if (perm.empty()) {
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  }
  if (axes(node, perm, rank).size() != rank) refuse(node, "its perm does not fit " + to_string(from.shape));
  const std::vector<std::int64_t> strides = strides_of(from.shape);
  Shape shape;
  std::vector<std::int64_t> step;
  for (const std::int64_t i : perm) {
    shape.push_back(from.shape[axis(node, i, rank)]);
    step.push_back(strides[axis(node, i, rank)]);
  }
  affordable(node, shape);
  set(node, strided(from, shape, 0, step));
}

void OnnxImporter::fold_expand(const OnnxNode& node) {
  const OnnxTensor& from = known(node, 0);
  const OnnxTensor& wanted = known(node, 1);
  const auto shape = wanted.floats ? std::nullopt : broadcast(from.shape, wanted.integers);
  if (!shape) refuse(node, "its shape does not fit " + to_string(from.shape));
  affordable(node, *shape);
  set(node, strided(from, *shape, 0, steps_in(from.shape, *shape)));
}

void OnnxImporter::fold_range(const OnnxNode& node) {
  const auto whole = [&](std::size_t input) {
    const OnnxTensor& tensor = known(node, input);
    if (tensor.floats || tensor.integers.size() != 1) refuse(node, "only a range of integers is supported");
    return tensor.integers.front();
  };
  const std::int64_t begin = whole(0), end = whole(1), step = whole(2);
  std::vector<std::int64_t> result;
  for (std::int64_t n = begin; step > 0 ? n < end : n > end;) {
    if (step == 0 || static_cast<std::int64_t>(result.size()) >= kMostIntegers)
      refuse(node, "its result is too long a list");
    result.push_back(n);
    if (__builtin_add_overflow(n, step, &n)) break;
  }
  const auto count = static_cast<std::int64_t>(result.size());
  set_constant(node, {count}, std::move(result));
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
  const float number = value != nullptr && value->floats.size() == 1 ? value->floats.to_tensor()[0] : 0.0F;
  set(node, tensor_of(wanted.integers, std::vector<float>(static_cast<std::size_t>(*count), number)));
}

}  // namespace ablaze::formats
