#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

namespace ablaze {
namespace {

std::int64_t rows_of(const Weight& weight) {
  return weight && !weight.shape().empty() ? weight.shape().front() : 0;
}

/// The channels of the output: those of the last layer that sets their number. Every other operator keeps it.
std::int64_t output_channels(const Graph& graph) {
  for (NodeId id = graph.size() - 1; id >= 0;) {
    const Node& node = graph.node(id);
    if (const auto* linear = std::get_if<op::Linear>(&node.op)) return rows_of(linear->weight);
    if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) return rows_of(conv->weight);
    if (const auto* map = std::get_if<op::ChannelMap>(&node.op))
      return static_cast<std::int64_t>(map->from.size());
    if (node.inputs.empty()) break;
    id = node.inputs.front();
  }
  return 0;
}

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace

std::int64_t Model::class_count() const { return output_channels(graph); }

std::string Model::label(std::int64_t index) const {
  if (index >= 0 && index < static_cast<std::int64_t>(labels.size())) return labels[index];
  return "class " + std::to_string(index);
}

Shape Model::input_shape() const { return {1, preprocess.channels, preprocess.crop, preprocess.width()}; }

// Element i, in row-major order, is (z >> 40) / 2^24 * 4 - 2, where z is the generator's i-th number from the
// state `seed`. Every step is exact in float and in double, so that any language computes the same bits.
Tensor selftest_input(const Shape& shape, std::uint64_t seed) {
  Tensor input(shape);
  std::uint64_t state = seed;
  for (float& value : input.values()) {
    value = static_cast<float>(next_random(state) >> 40) * 0x1p-22F - 2.0F;
  }
  return input;
}

}  // namespace ablaze
