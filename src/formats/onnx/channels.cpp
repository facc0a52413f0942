#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "formats/onnx/importer.hpp"

// Data movement: concatenations, parts, padding.

namespace ablaze::formats {
namespace {

constexpr std::int64_t kMostChannels = 1 << 16;

std::vector<int> range(std::int64_t begin, std::int64_t count) {
  std::vector<int> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), static_cast<int>(begin));
  return result;
}

}  // namespace

/// Channels of planes, or features taken as planes of one pixel.
OnnxFlow OnnxImporter::mapped(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                              std::array<int, 2> stride, const std::string& name) {
  const auto count = static_cast<std::int64_t>(channels.size());
  const OnnxFlow planes = as_planes(node, from, name + ".planes");
  OnnxFlow to = planes;
  Op op = op::ChannelMap{std::move(channels), stride};
  const Shape shape = shape_behind(node, op, planes.planes());
  to.node = add(from.features ? unused(name + ".map") : name, std::move(op), {planes.node});
  for (std::size_t i = 0; i < to.order.size(); ++i) {
    if (to.order[i] == Axis::channels) to.shape[i] = count;
    if (to.order[i] == Axis::rows) to.shape[i] = shape[2];
    if (to.order[i] == Axis::columns) to.shape[i] = shape[3];
  }
  if (!from.features) return to;
  OnnxFlow features = to;
  features.features = true;
  features.node = add(name, op::Flatten{}, {to.node});
  return features;
}

void OnnxImporter::set_mapped(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                              std::array<int, 2> stride, std::size_t output) {
  set(node, mapped(node, from, std::move(channels), stride, name_of(node)), output);
}

/// Maps each part to its channels, zeros elsewhere, and sums the parts.
void OnnxImporter::concat(const OnnxNode& node) {
  if (node.inputs.empty()) refuse(node, "it has no inputs");
  const OnnxFlow first = flow(node);
  const std::int64_t at = axis(node, integer(node, "axis", 1), first.shape.size());
  std::int64_t channels = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxFlow& part = flow(node, i);
    Shape shape = part.shape;
    if (shape.size() == first.shape.size()) shape[at] = first.shape[at];
    if (shape != first.shape || part.order != first.order || part.features != first.features)
      refuse(node,
             "its parts do not fit together: " + to_string(first.shape) + " and " + to_string(part.shape));
    channels += part.shape[at];
  }
  if (first.order[at] != Axis::channels || channels > kMostChannels)
    refuse(node, "only a concatenation of channels is supported");
  if (node.inputs.size() == 1) return identity(node);
  const std::string name = name_of(node);
  std::int64_t begin = 0;
  OnnxFlow total;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxFlow part = as_planes(node, flow(node, i), name + ".planes");
    std::vector<int> map(static_cast<std::size_t>(channels), -1);
    std::iota(map.begin() + begin, map.begin() + begin + part.shape[at], 0);
    begin += part.shape[at];
    const OnnxFlow placed = mapped(node, part, std::move(map), {1, 1}, unused(name + ".part"));
    const bool last = i + 1 == node.inputs.size();
    const NodeId before = total.node;
    total = placed;
    if (i > 0)
      total.node =
          add(last && !first.features ? name : unused(name + ".sum"), op::Add{}, {before, placed.node});
  }
  if (first.features) {
    total.node = add(name, op::Flatten{}, {total.node});
    total.features = true;
  }
  set(node, std::move(total));
}

void OnnxImporter::split(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const std::int64_t at = axis(node, integer(node, "axis", 0), from.shape.size());
  if (from.order[at] != Axis::channels) refuse(node, "only splits of channels are supported");
  const auto parts = static_cast<std::int64_t>(node.outputs.size());
  const std::int64_t channels = from.shape[at];
  const std::int64_t each = (channels + parts - 1) / parts;
  std::vector<std::int64_t> sizes = integers(node, "split", 1).value_or(std::vector<std::int64_t>{});
  for (std::int64_t left = channels; sizes.size() < node.outputs.size(); left -= each)
    sizes.push_back(std::min(each, left));
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (sizes.size() != node.outputs.size() || sizes[i] < 1 || sizes[i] > channels - begin)
      refuse(node, "its parts do not fit " + std::to_string(channels) + " channels");
    set_mapped(node, from, range(begin, sizes[i]), {1, 1}, i);
    begin += sizes[i];
  }
}

void OnnxImporter::slice(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const auto starts = integers(node, "starts", 1), ends = integers(node, "ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) refuse(node, "its starts and ends do not match");
  const std::vector<std::int64_t> ones(starts->size(), 1);
  std::vector<std::int64_t> all(starts->size());
  std::iota(all.begin(), all.end(), 0);
  const auto along = integers(node, "axes", 3).value_or(all),
             steps = integers(node, "steps", 4).value_or(ones);
  if (along.size() != starts->size() || steps.size() != starts->size()) refuse(node, "its axes do not match");
  std::vector<int> channels = range(0, from.size(Axis::channels));
  std::array<int, 2> stride{1, 1};
  bool changes = false;
  for (std::size_t i = 0; i < along.size(); ++i) {
    const std::int64_t which = axis(node, along[i], from.shape.size()), size = from.shape[which];
    const std::int64_t step = steps[i];
    if (step == 0 || step > size || step < -size) refuse(node, "its step is out of range");
    const auto index = [&](std::int64_t n) {
      const std::int64_t from_start = n < 0 ? std::max(n, -size - 1) + size : n;
      return step > 0 ? std::clamp<std::int64_t>(from_start, 0, size)
                      : std::clamp<std::int64_t>(from_start, -1, size - 1);
    };
    const std::int64_t begin = index((*starts)[i]), end = index((*ends)[i]);
    if (step > 0 ? begin >= end : begin <= end) refuse(node, "its result is empty");
    const Axis axis = from.order[which];
    // An end that is a number of pixels cuts off larger inputs.
    constexpr std::int64_t beyond_any_input = 1 << 30;
    const bool plane = axis == Axis::rows || axis == Axis::columns;
    if (plane && step > 0 && (*ends)[i] < beyond_any_input) network_.reads_its_size = true;
    if (begin == 0 && end == size && step == 1) continue;
    changes = true;
    if (axis == Axis::channels) {
      channels.clear();
      for (std::int64_t c = begin; step > 0 ? c < end : c > end; c += step)
        channels.push_back(static_cast<int>(c));
    } else if ((axis == Axis::rows || axis == Axis::columns) && begin == 0 && end == size && step > 0) {
      stride[axis == Axis::rows ? 0 : 1] = static_cast<int>(step);
    } else {
      refuse(node, "only channels, and every n-th row or column, can be taken");
    }
  }
  if (!changes) return emit_like(node, op::Identity{}, from);
  set_mapped(node, from, std::move(channels), stride, 0);
}

/// Channels by their numbers.
void OnnxImporter::gather(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const OnnxTensor* wanted = constant(node, 1);
  const std::int64_t at = axis(node, integer(node, "axis", 0), from.shape.size());
  if (wanted == nullptr || wanted->floats || wanted->shape.size() != 1 || from.order[at] != Axis::channels ||
      static_cast<std::int64_t>(wanted->integers.size()) > kMostChannels)
    refuse(node, "only a list of channels can be taken");
  std::vector<int> channels;
  const std::int64_t count = from.shape[at];
  for (const std::int64_t c : wanted->integers) {
    if (c < -count || c >= count) refuse(node, "its input has no channel " + std::to_string(c));
    channels.push_back(static_cast<int>(c < 0 ? c + count : c));
  }
  set_mapped(node, from, std::move(channels), {1, 1}, 0);
}

// ---- padding -----------------------------------------------------------------------------------------

/// Zeros around the planes are left to the convolutions and average pools that read them, -infinity to
/// max-pools; zeros for channels become a channel map.
void OnnxImporter::pad(const OnnxNode& node) {
  OnnxFlow from = flow(node);
  const auto given_pads = integers(node, "pads", 1);
  const std::string_view mode = text(node, "mode");
  const float filler = given(node, 2) ? number(node, 2, 0) : real(node, "value", 0);
  if (!mode.empty() && mode != "constant")
    refuse(node, "only padding with zeros is supported, not the mode " + std::string(mode));
  const std::size_t rank = from.shape.size();
  std::vector<std::int64_t> along(rank);
  std::iota(along.begin(), along.end(), 0);
  if (given(node, 3)) along = integers(node, "axes", 3).value_or(along);
  if (!given_pads || given_pads->size() != 2 * along.size()) refuse(node, "its pads do not fit its input");
  std::array<std::int64_t, 4> before{}, after{};  // by the engine's axes
  for (std::size_t i = 0; i < along.size(); ++i) {
    const auto which = static_cast<std::size_t>(from.order[axis(node, along[i], rank)]);
    before.at(which) += (*given_pads)[i], after.at(which) += (*given_pads)[i + along.size()];
  }
  const auto bad = [](std::int64_t n) { return n < 0 || n > 1 << 12; };
  if (std::ranges::any_of(before, bad) || std::ranges::any_of(after, bad) || before[0] + after[0] != 0)
    refuse(node, "its pads are out of range; cropping is not supported");
  const bool around = before[2] + before[3] + after[2] + after[3] > 0;
  const bool lowest = filler <= -1e30F;
  if (before[1] + after[1] == 0 && !around) return emit_like(node, op::Identity{}, from);
  const auto& readers = readers_[node.outputs[0]];
  const auto read_only_by = [&](std::initializer_list<std::string_view> ops) {
    return std::ranges::all_of(
        readers, [&](const OnnxNode* reader) { return std::ranges::find(ops, reader->op) != ops.end(); });
  };
  if (filler != 0 && !(lowest && read_only_by({"MaxPool"})))
    refuse(node, "only padding with zeros is supported, not with " + std::to_string(filler));
  const std::string name = name_of(node);
  if (before[1] + after[1] > 0) {
    if (lowest) refuse(node, "it pads channels with -infinity");
    std::vector<int> channels(static_cast<std::size_t>(before[1]), -1);
    const std::vector<int> own = range(0, from.size(Axis::channels));
    channels.insert(channels.end(), own.begin(), own.end());
    channels.insert(channels.end(), static_cast<std::size_t>(after[1]), -1);
    from = mapped(node, from, std::move(channels), {1, 1}, around ? unused(name + ".map") : name);
  }
  if (!around) return set(node, std::move(from));
  if (from.features || from.position(Axis::rows) < 0 || from.position(Axis::columns) < 0)
    refuse(node, "expected planes, found " + to_string(from.shape));
  from.pads = {before[2], before[3], after[2], after[3]};
  from.pads_are_lowest = lowest;
  padding_of(node, from.pads);
  const bool whole = is_output(node.outputs[0]) || !from.is_nchw();
  if (whole || !(lowest || read_only_by({"Conv", "AveragePool"}))) from = pad_planes(node, from, name);
  set(node, std::move(from));
}

/// The pads as numbers: a depthwise convolution by 1.
OnnxFlow OnnxImporter::pad_planes(const OnnxNode& node, const OnnxFlow& from, const std::string& name) {
  if (from.pads_are_lowest) refuse(node, "it pads with -infinity; only a max-pool may read that");
  op::Conv2d copy;
  const std::int64_t channels = from.size(Axis::channels);
  pay(channels);
  copy.weight = Tensor({channels, 1, 1, 1}, std::vector<float>(static_cast<std::size_t>(channels), 1.0F));
  copy.groups = static_cast<int>(channels);
  copy.padding = padding_of(node, from.pads);
  OnnxFlow to = from;
  to.pads = {};
  Op op = std::move(copy);
  const Shape shape = shape_behind(node, op, from.planes());
  to.node = add(name, std::move(op), {from.node});
  to.shape[from.position(Axis::rows)] = shape[2];
  to.shape[from.position(Axis::columns)] = shape[3];
  return to;
}

}  // namespace ablaze::formats
