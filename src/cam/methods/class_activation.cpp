#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ablaze/error.hpp>

#include "cam/methods/methods.hpp"
#include "cam/result.hpp"

// CAM, the first class activation map. If a global average pool and the last linear layer W follow a layer A,
// a logit is a sum over channels and locations:
//
//     y = b + sum_k W[c,k] mean(A_k)        w_k = W[c,k]        map = ReLU(sum_k w_k A_k)
//
// The paper shows the sum itself; here the map is its positive part, as for all methods, and the signed map
// is the paper's. The bias has no location and is omitted, as in the paper. The weights are the logit's: for
// a probability, the logit is explained.

namespace ablaze::cam {

namespace {

bool averages_planes(const Op& op, const Shape& plane) {
  if (const auto* pool = std::get_if<op::AdaptiveAvgPool2d>(&op)) return pool->output == std::array{1, 1};
  const auto* pool = std::get_if<op::AvgPool2d>(&op);
  return pool != nullptr && pool->kernel[0] == plane.at(2) && pool->kernel[1] == plane.at(3) &&
         pool->padding.none();
}

bool passes_on(const Op& op) {
  return std::holds_alternative<op::Identity>(op) || std::holds_alternative<op::Flatten>(op);
}

/// The end of a network, searched from the output up: identities, a linear layer, flattening, an average
/// pool, and the layer that the pool reads.
struct Head {
  const op::Linear* linear = nullptr;
  NodeId pooled = -1;  ///< -1: the network has a different end
};

NodeId behind_identities(const Graph& graph, NodeId id) {
  while (passes_on(graph.node(id).op)) id = graph.node(id).inputs[0];
  return id;
}

Head head_of(const Graph& graph, const Session& session) {
  const Node& last = graph.node(behind_identities(graph, graph.output()));
  const auto* linear = std::get_if<op::Linear>(&last.op);
  if (linear == nullptr) return {};
  const Node& pool = graph.node(behind_identities(graph, last.inputs[0]));
  if (pool.inputs.empty()) return {};
  const Shape shape = session.layer_shape(graph.node(pool.inputs[0]).name);
  if (shape.size() != 4 || !averages_planes(pool.op, shape)) return {};
  return {linear, behind_identities(graph, pool.inputs[0])};
}

bool fits(const Graph& graph, const Session& session, std::string_view layer) {
  const Head head = head_of(graph, session);
  return head.pooled >= 0 && behind_identities(graph, graph.find(layer)) == head.pooled;
}

void require_fit(const Request& q) {
  if (fits(q.graph, q.session, q.layer)) return;
  const NodeId pooled = head_of(q.graph, q.session).pooled;
  if (pooled < 0) {
    throw UsageError(
        "CAM needs a network that ends in a global average pool and one linear layer, and this one does not: "
        "use gradcam, which generalises CAM to every network");
  }
  throw UsageError("CAM explains the layer that the global average pool reads, " + q.graph.node(pooled).name +
                   ", not " + std::string(q.layer) + ": use gradcam for other layers");
}

/// Row c of a linear layer.
std::vector<float> row_of(const op::Linear& linear, std::int64_t c) {
  std::vector<float> out(linear.weight.shape()[1]);
  linear.weight.read(c * static_cast<std::int64_t>(out.size()), out);
  return out;
}

void add_row(std::vector<double>& weights, const std::vector<float>& row, double factor) {
  weights.resize(row.size());
  for (std::size_t k = 0; k < row.size(); ++k) weights[k] += factor * static_cast<double>(row[k]);
}

std::vector<double> weights_of(const op::Linear& linear, const Target& target) {
  std::vector<double> weights;
  for (const auto& [score, factor] : target.terms) {
    add_row(weights, row_of(linear, score.index), factor);
    if (score.kind == Score::Kind::margin) add_row(weights, row_of(linear, score.against), -factor);
  }
  return weights;
}

std::vector<Result> cam_maps(const Request& request) {
  require_fit(request);
  const Head head = head_of(request.graph, request.session);
  const Tensor activation = request.trace.activation(request.layer);
  std::vector<Result> results;
  for (const Target& target : request.targets)
    results.push_back(result_from(activation, weights_of(*head.linear, target)));
  return results;
}

}  // namespace

constexpr Method class_activation_map{
    .id = "cam",
    .name = "CAM",
    .summary = "Weights each channel by the last linear layer's weight from it to the class.",
    .paper =
        "B. Zhou, A. Khosla, A. Lapedriza, A. Oliva and A. Torralba, Learning Deep Features for "
        "Discriminative "
        "Localization, CVPR 2016",
    .passes = "only the forward pass; the network must end in a global average pool and one linear layer",
    .cost = [](const Shape&, const MethodOptions&) { return Cost{}; },
    .fits = fits,
    .explain = cam_maps,
};

}  // namespace ablaze::cam
