#include <algorithm>
#include <utility>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Operators that give the same numbers other axes. Most change only the flow; the engine's value stays.

namespace ablaze::formats {
namespace {

constexpr std::array kAxes{Axis::images, Axis::channels, Axis::rows, Axis::columns};

/// Names for axes of size 1, given as Axis::within: those that are missing, the spatial ones first.
void name_missing(std::vector<Axis>& order) {
  for (Axis& axis : order) {
    if (axis != Axis::within) continue;
    for (const Axis candidate : {Axis::rows, Axis::columns, Axis::channels, Axis::images}) {
      if (std::ranges::find(order, candidate) != order.end()) continue;
      axis = candidate;
      break;
    }
  }
}

}  // namespace

/// N x C planes of one pixel become features, features with further axes become planes.
void OnnxImporter::set_axes(const OnnxNode& node, OnnxFlow from, Shape shape, std::vector<Axis> order) {
  name_missing(order);
  const bool flat = order == std::vector{Axis::images, Axis::channels};
  if (flat && !from.features) {
    // The file's Squeeze or Reshape is the engine's Flatten.
    OnnxFlow to = from;
    to.node = add(name_of(node), op::Flatten{}, {from.node});
    to.features = true;
    to.shape = std::move(shape);
    to.order = std::move(order);
    return set(node, std::move(to));
  }
  if (!flat && from.features) {
    if (!from.flattened.empty()) refuse(node, "it splits flattened planes, which is not supported");
    from.node = add(name_of(node), op::Unflatten{}, {from.node});
    from.features = false;
  }
  from.shape = std::move(shape);
  from.order = std::move(order);
  set(node, std::move(from));
}

/// All axes but the images' in one.
void OnnxImporter::set_flat(const OnnxNode& node, const OnnxFlow& from, std::int64_t features) {
  OnnxFlow to = from;
  to.node = add(name_of(node), op::Flatten{}, {from.node});
  if (from.size(Axis::rows) * from.size(Axis::columns) > 1 && !from.features) {
    to.flattened.clear();
    for (std::size_t i = 0; i < from.shape.size(); ++i) {
      if (from.order[i] != Axis::images) to.flattened.emplace_back(from.order[i], from.shape[i]);
    }
  }
  to.features = true;
  to.shape = {from.shape[0], features};
  to.order = {Axis::images, Axis::channels};
  set(node, std::move(to));
}

void OnnxImporter::flatten(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const std::size_t rank = from.shape.size();
  const std::int64_t at = integer(node, "axis", 1);
  // Before axis `at` only the images: later axes of size 1 may be on either side.
  const bool rows = at < 0 ? at == 1 - static_cast<std::int64_t>(rank) : at == 1;
  if (!rows || from.order.empty() || from.order[0] != Axis::images) refuse(node, "only axis 1 is supported");
  set_flat(node, from, element_count(Shape(from.shape.begin() + 1, from.shape.end())));
}

void OnnxImporter::reshape(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  if (from.padded()) refuse(node, "it follows a Pad with -infinity");
  std::vector<std::int64_t> wanted = integers(node, "shape", 1).value_or(std::vector<std::int64_t>{});
  if (wanted.size() > kMostAxes) refuse(node, "its result has too many axes");
  // A number of rows or columns in the shape is that of one size of input.
  for (const Axis axis : {Axis::rows, Axis::columns}) {
    const std::int64_t size = from.features ? 1 : from.size(axis);
    if (size > 1 && std::ranges::find(wanted, size) != wanted.end()) network_.reads_its_size = true;
  }
  const std::int64_t elements = element_count(from.shape);
  std::int64_t known = 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && integer(node, "allowzero", 0) == 0 && i < from.shape.size())
      wanted[i] = from.shape[i];
    if (wanted[i] == -1) continue;
    if (wanted[i] < 1 || wanted[i] > elements / known)
      refuse(node, "its shape does not fit " + to_string(from.shape));
    known *= wanted[i];
  }
  if (const auto open = std::ranges::find(wanted, -1); open != wanted.end()) *open = elements / known;
  if (dense_bytes(wanted, 1) != static_cast<std::uint64_t>(elements) || wanted.empty())
    refuse(node, "its shape " + to_string(wanted) + " does not fit " + to_string(from.shape));

  if (from.groups != 0) {  // the parts of the channels become one axis again
    const int outer = from.position(Axis::channels), inner = from.position(Axis::within);
    const int at = std::min(outer, inner);
    Shape whole = from.shape;
    whole[at] *= whole[at + 1];
    whole.erase(whole.begin() + at + 1);
    if (std::abs(outer - inner) != 1 || wanted != whole)
      refuse(node, "split channels are supported only for a channel shuffle");
    std::vector<int> channels;
    if (inner < outer) {
      const std::int64_t within = from.shape[inner];
      for (std::int64_t i = 0; i < within; ++i) {
        for (std::int64_t group = 0; group < from.groups; ++group)
          channels.push_back(static_cast<int>(group * within + i));
      }
    }
    from.shape = whole;
    from.order.erase(from.order.begin() + at + 1);
    from.order[at] = Axis::channels;
    from.groups = 0;
    if (channels.empty()) return set(node, std::move(from));
    return set_mapped(node, from, std::move(channels), {1, 1}, 0);
  }
  if (wanted == from.shape) return emit_like(node, op::Identity{}, from);

  // The same numbers other than 1 in the same order: axes of size 1 come or go.
  std::vector<Axis> order;
  std::vector<Axis> large;
  Shape sizes;
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    if (from.shape[i] == 1) continue;
    large.push_back(from.order[i]);
    sizes.push_back(from.shape[i]);
  }
  std::size_t next = 0;
  for (const std::int64_t size : wanted) {
    if (size == 1) {
      order.push_back(Axis::within);
    } else {
      order.push_back(next < large.size() && sizes[next] == size ? large[next] : Axis::images);
      ++next;
    }
  }
  Shape wanted_sizes;
  std::ranges::copy_if(wanted, std::back_inserter(wanted_sizes), [](std::int64_t n) { return n != 1; });
  if (wanted_sizes == sizes && wanted.size() <= kAxes.size()) {
    // Of axes of size 1 the first is the images', and in N x C the second the channels'.
    if (!order.empty() && order[0] == Axis::within && std::ranges::find(order, Axis::images) == order.end())
      order[0] = Axis::images;
    if (order.size() == 2 && order[1] == Axis::within && order[0] == Axis::images &&
        std::ranges::find(large, Axis::channels) == large.end())
      order[1] = Axis::channels;
    return set_axes(node, std::move(from), wanted, std::move(order));
  }
  const bool images_first =
      !from.order.empty() && from.order[0] == Axis::images && wanted[0] == from.shape[0];
  if (images_first && wanted.size() == 2) return set_flat(node, from, wanted[1]);
  const bool one_pixel = from.size(Axis::rows) * from.size(Axis::columns) == 1;
  const int at = from.position(Axis::channels);
  if (!from.features && at >= 0 && wanted.size() == from.shape.size() + 1) {
    // The channels in two axes
    const auto split = static_cast<std::size_t>(at);
    Shape whole = wanted;
    whole[split] *= whole[split + 1];
    whole.erase(whole.begin() + at + 1);
    if (whole == from.shape) {
      from.groups = wanted[split];
      from.shape = wanted;
      from.order.insert(from.order.begin() + at + 1, Axis::within);
      return set(node, std::move(from));
    }
  }
  refuse(
      node,
      "from " + to_string(from.shape) + " to " + to_string(wanted) + " is not supported" +
          (one_pixel || wanted.size() != 3 ? "" : ": planes as a sequence of positions, as for attention"));
}

void OnnxImporter::transpose(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  if (from.padded()) refuse(node, "it follows a Pad with -infinity");
  const std::size_t rank = from.shape.size();
  std::vector<std::int64_t> perm = integers(node, "perm", 99).value_or(std::vector<std::int64_t>{});
  if (perm.empty()) {
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  }
  const auto sorted = axes(node, perm, rank);
  if (sorted.size() != rank) refuse(node, "its perm does not fit " + to_string(from.shape));
  Shape shape;
  std::vector<Axis> order;
  for (const std::int64_t i : perm) {
    shape.push_back(from.shape[axis(node, i, rank)]);
    order.push_back(from.order[axis(node, i, rank)]);
  }
  if (from.features && order != from.order) refuse(node, "it transposes features");
  from.shape = std::move(shape);
  from.order = std::move(order);
  set(node, std::move(from));
}

void OnnxImporter::squeeze(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  std::vector<std::int64_t> gone;
  if (const auto given_axes = integers(node, "axes", 1)) {
    gone = axes(node, *given_axes, from.shape.size());
  } else {
    for (std::size_t i = 0; i < from.shape.size(); ++i) {
      if (from.shape[i] == 1) gone.push_back(static_cast<std::int64_t>(i));
    }
  }
  Shape shape;
  std::vector<Axis> order;
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    const bool goes = std::ranges::find(gone, static_cast<std::int64_t>(i)) != gone.end();
    if (goes && from.shape[i] != 1)
      refuse(node, "its axis " + std::to_string(i) + " has more than one element: " + to_string(from.shape));
    if (goes) continue;
    shape.push_back(from.shape[i]);
    order.push_back(from.order[i]);
  }
  set_axes(node, from, std::move(shape), std::move(order));
}

void OnnxImporter::unsqueeze(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const auto wanted = integers(node, "axes", 1).value_or(std::vector<std::int64_t>{});
  const std::size_t rank = from.shape.size() + wanted.size();
  if (rank > kAxes.size()) refuse(node, "its result has more than four axes");
  const auto added = axes(node, wanted, rank);
  Shape shape;
  std::vector<Axis> order;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool own = std::ranges::find(added, static_cast<std::int64_t>(i)) == added.end();
    shape.push_back(own ? from.shape[next] : 1);
    order.push_back(own ? from.order[next++] : Axis::within);
  }
  set_axes(node, from, std::move(shape), std::move(order));
}

/// Axes of size 1 repeated.
void OnnxImporter::expand(const OnnxNode& node) {
  OnnxFlow from = flow(node);
  const auto wanted = integers(node, "shape", 1).value_or(std::vector<std::int64_t>{});
  if (wanted.size() > from.shape.size()) refuse(node, "its result has more axes than its input");
  const std::string name = name_of(node);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::size_t at = from.shape.size() - wanted.size() + i;
    if (wanted[i] == 1 || wanted[i] == from.shape[at]) continue;
    constexpr std::int64_t most_channels = 1 << 16;
    if (from.features || from.order[at] != Axis::channels || from.shape[at] != 1 || wanted[i] < 1 ||
        wanted[i] > most_channels)
      refuse(node, "only the only channel can be repeated");
    from = repeated(from, wanted[i], name);
  }
  set(node, std::move(from));
}

}  // namespace ablaze::formats
