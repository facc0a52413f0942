#include <ablaze/error.hpp>
#include <ablaze/session.hpp>
#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "kernels/reference.hpp"
#include "runtime/compiled_network.hpp"

namespace ablaze {
namespace {

using runtime::CompiledNetwork;
using runtime::RunState;
using runtime::Value;

/// A layer of one image, seen channel by channel: A and what an ablation makes of it, A'.
class Channels {
 public:
  Channels(Tensor activation, const Ablation& ablation) : a_(std::move(activation)), ablation_(ablation) {
    const Shape plane{a_.dim(2), a_.dim(3)};
    if (ablation.kind == Ablation::Kind::mask && ablation.mask.shape() != plane) {
      throw Error("the mask is " + to_string(ablation.mask.shape()) + " and the layer's planes are " +
                  to_string(plane));
    }
  }
  std::int64_t count() const { return a_.dim(1); }
  std::int64_t height() const { return a_.dim(2); }
  std::int64_t width() const { return a_.dim(3); }
  std::int64_t area() const { return height() * width(); }
  std::span<const float> plane(std::int64_t k) const {
    return a_.values().subspan(static_cast<std::size_t>(k * area()), static_cast<std::size_t>(area()));
  }

  /// A'_k
  void ablated(std::int64_t k, std::span<float> out) const {
    const std::span<const float> a = plane(k);
    double sum = 0;
    if (ablation_.kind == Ablation::Kind::mean) {
      for (const float v : a) sum += v;
    }
    const float mean = static_cast<float>(sum / static_cast<double>(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) {
      switch (ablation_.kind) {
        case Ablation::Kind::zero:
          out[i] = 0;
          break;
        case Ablation::Kind::scale:
          out[i] = ablation_.scale * a[i];
          break;
        case Ablation::Kind::mean:
          out[i] = mean;
          break;
        case Ablation::Kind::mask:
          out[i] = (1 - ablation_.mask.data()[i]) * a[i];
          break;
      }
    }
  }

 private:
  Tensor a_;
  const Ablation& ablation_;
};

double score_of(std::span<const double> logits, const Score& score) {
  if (score.kind == Score::Kind::logit) return logits[static_cast<std::size_t>(score.index)];
  return probabilities(logits, score.activation)[static_cast<std::size_t>(score.index)];
}

std::span<const float> row_of(const Tensor& tensor, std::int64_t row) {
  const auto columns = static_cast<std::size_t>(tensor.size() / tensor.dim(0));
  return tensor.values().subspan(static_cast<std::size_t>(row) * columns, columns);
}

// ---- The closed form: average pools and flattening, then one linear layer --------------------------------

/// The linear layer that ends a network whose tail behind `from` has no non-linearity, and the pools before
/// it; linear == -1 where the tail is anything else.
struct LinearTail {
  std::vector<NodeId> pools;
  NodeId linear = -1;
};

LinearTail find_linear_tail(const CompiledNetwork& session, NodeId from) {
  const Graph& graph = session.graph;
  LinearTail tail;
  NodeId at = from;
  for (NodeId id = from + 1; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (!session.needed[static_cast<std::size_t>(id)]) continue;
    if (node.inputs != std::vector<NodeId>{at} || tail.linear >= 0) return {};
    if (std::holds_alternative<op::Linear>(node.op)) {
      tail.linear = id;
    } else if (std::holds_alternative<op::AvgPool2d>(node.op) ||
               std::holds_alternative<op::AdaptiveAvgPool2d>(node.op)) {
      tail.pools.push_back(id);
    } else if (!std::holds_alternative<op::Flatten>(node.op) &&
               !std::holds_alternative<op::Identity>(node.op)) {
      return {};
    }
    at = id;
  }
  return tail.linear == graph.output() ? tail : LinearTail{};
}

/// One channel's plane through the pools, in float64.
std::vector<double> pool_plane(const CompiledNetwork& session, const LinearTail& tail,
                               std::vector<double> plane, std::int64_t h, std::int64_t w) {
  using namespace kernels::reference;
  Extent4 in{1, 1, h, w};
  for (const NodeId id : tail.pools) {
    const Shape& shape = session.shapes[static_cast<std::size_t>(id)];
    const Extent4 out{1, 1, shape[2], shape[3]};
    const std::span<const double> x(plane);
    if (const auto* pool = std::get_if<op::AvgPool2d>(&session.graph.node(id).op)) {
      const Window window{pool->kernel[0], pool->kernel[1],  pool->stride[0],
                          pool->stride[1], pool->padding[0], pool->padding[1]};
      plane = average_pool(x, in, out, window, pool->count_include_pad);
    } else {
      plane = adaptive_average_pool(x, in, out);
    }
    in = out;
  }
  return plane;
}

/// Rows of a last linear layer that the scores read: the wanted classes, or all of them for a probability.
/// The others stay empty.
std::vector<std::vector<float>> rows_read(const Weight& weight, std::span<const Score> scores) {
  const std::int64_t classes = weight.shape()[0], columns = weight.shape()[1];
  const bool all =
      std::ranges::any_of(scores, [](const Score& s) { return s.kind == Score::Kind::probability; });
  std::vector<std::vector<float>> rows(static_cast<std::size_t>(classes));
  for (std::int64_t c = 0; c < classes; ++c) {
    if (!all && std::ranges::none_of(scores, [c](const Score& s) { return s.index == c; })) continue;
    rows[static_cast<std::size_t>(c)].resize(static_cast<std::size_t>(columns));
    weight.read(c * columns, rows[static_cast<std::size_t>(c)]);
  }
  return rows;
}

std::vector<double> minus(std::span<const double> a, std::span<const float> b) {
  std::vector<double> result(a.size());
  std::ranges::transform(a, b, result.begin(), std::minus<double>());
  return result;
}

/// What a score falls by when the logits fall by `drops`.
double drop_of_score(std::span<const double> logits, std::span<const double> drops, const Score& score) {
  if (score.kind == Score::Kind::logit) return drops[static_cast<std::size_t>(score.index)];
  std::vector<double> changed(logits.size());
  std::ranges::transform(logits, drops, changed.begin(), std::minus<>());
  return score_of(logits, score) - score_of(changed, score);
}

/// y - y_k = sum over pixels of W[c, k, pixel] * pool(A_k - A'_k)[pixel]: no pass at all.
Drops closed_form(const CompiledNetwork& session, const LinearTail& tail, const Channels& channels,
                  std::span<const double> logits, std::span<const Score> scores) {
  const Weight& weight = std::get<op::Linear>(session.graph.node(tail.linear).op).weight;
  const std::int64_t per_channel = weight.shape()[1] / channels.count();
  const std::vector<std::vector<float>> rows = rows_read(weight, scores);

  Drops result;
  result.method = "closed form";
  for (const Score& score : scores) {
    result.scores.push_back(score_of(logits, score));
    result.drops.emplace_back(static_cast<std::size_t>(channels.count()));
  }
  std::vector<float> ablated(static_cast<std::size_t>(channels.area()));
  std::vector<double> delta(ablated.size());
  for (std::int64_t k = 0; k < channels.count(); ++k) {
    channels.ablated(k, ablated);
    const auto plane = channels.plane(k);
    std::ranges::transform(plane, ablated, delta.begin(),
                           [](float a, float b) { return static_cast<double>(a) - b; });
    const std::vector<double> pooled = pool_plane(session, tail, delta, channels.height(), channels.width());
    std::vector<double> drops(rows.size());
    for (std::size_t c = 0; c < rows.size(); ++c) {
      if (rows[c].empty()) continue;
      for (std::int64_t j = 0; j < per_channel; ++j)
        drops[c] +=
            rows[c][static_cast<std::size_t>(k * per_channel + j)] * pooled[static_cast<std::size_t>(j)];
    }
    for (std::size_t s = 0; s < scores.size(); ++s)
      result.drops[s][static_cast<std::size_t>(k)] = drop_of_score(logits, drops, scores[s]);
  }
  return result;
}

// ---- Rerunning the tail in batches ------------------------------------------------------------------------

/// Images a batch: enough to keep the cores busy, few enough to stay near the caches.
std::int64_t batch_size(const CompiledNetwork& session, NodeId from, std::int64_t channels) {
  constexpr std::size_t most_bytes = std::size_t{96} << 20;
  constexpr std::int64_t most_images = 32;
  const std::size_t bytes = std::max<std::size_t>(session.tail(from, 1)->arena_floats * sizeof(float), 1);
  const auto fitting = static_cast<std::int64_t>(std::min(most_bytes, session.options.memory_limit) / bytes);
  return std::clamp<std::int64_t>(fitting, 1, std::min(most_images, channels));
}

/// Writes one channel of one image of a value.
void write_channel(const Value& value, float* first_pixel, std::int64_t image, std::int64_t channel,
                   std::span<const float> plane) {
  float* to = first_pixel + image * value.batch() + channel / kernels::kBlock * value.block() +
              channel % kernels::kBlock;
  const float* from = plane.data();
  for (int y = 0; y < value.extent.h; ++y) {
    for (int x = 0; x < value.extent.w; ++x) to[y * value.row() + x * kernels::kBlock] = *from++;
  }
}

/// The linear layer that ends a network. A change dx of what it reads changes logit c by W[c] . dx; taken so,
/// in float64, a drop keeps the digits that it would lose as the difference of two float32 sums, each of
/// which is far larger than the drop.
class LinearHead {
 public:
  LinearHead(const RunState& trace, std::span<const Score> scores)
      : x_(trace.read(trace.session->head_input)),
        rows_(rows_read(std::get<op::Linear>(trace.session->graph.node(trace.session->head).op).weight,
                        scores)) {}

  /// How far each logit falls when the layer reads `x` instead; 0 for those that no score reads.
  std::vector<double> drops(std::span<const float> x) const {
    std::vector<double> result(rows_.size());
    for (std::size_t c = 0; c < rows_.size(); ++c) {
      for (std::size_t j = 0; j < rows_[c].size(); ++j)
        result[c] += (static_cast<double>(x_.data()[j]) - x[j]) * rows_[c][j];
    }
    return result;
  }

 private:
  Tensor x_;  // [1, K], of the untouched run
  std::vector<std::vector<float>> rows_;
};

Drops rerun_tail(const RunState& trace, NodeId from, const Channels& channels, std::span<const double> logits,
                 std::span<const Score> scores, const Progress& progress) {
  const CompiledNetwork& session = *trace.session;
  Drops result;
  result.method = "tail rerun";
  for (const Score& score : scores) {
    result.scores.push_back(score_of(logits, score));
    result.drops.emplace_back(static_cast<std::size_t>(channels.count()), 0.0);
  }
  // A channel that the ablation does not change (one that is zero everywhere, say) changes no score.
  std::vector<float> ablated(static_cast<std::size_t>(channels.area()));
  std::vector<std::int64_t> changing;
  for (std::int64_t k = 0; k < channels.count(); ++k) {
    channels.ablated(k, ablated);
    if (!std::ranges::equal(channels.plane(k), ablated)) changing.push_back(k);
  }
  if (changing.empty()) return result;

  const std::int64_t total = static_cast<std::int64_t>(changing.size());
  const std::int64_t batch = batch_size(session, from, total);
  runtime::Tail tail(trace, from, batch);
  std::optional<LinearHead> head;
  if (session.head != runtime::kNoNode) head.emplace(trace, scores);
  const Value& input = tail.input();
  float* first_pixel = runtime::write_view(input, tail.memory()).data;
  const float* base = trace.arena.data() + session.value(from).offset;
  for (std::int64_t image = 0; image < batch; ++image) {  // every image starts as the untouched layer
    std::memcpy(first_pixel - input.origin() + image * input.batch(), base,
                static_cast<std::size_t>(input.batch()) * sizeof(float));
  }
  for (std::int64_t begin = 0; begin < total; begin += batch) {
    if (progress && !progress(begin, total)) throw Cancelled();
    const std::int64_t images = std::min(batch, total - begin);
    for (std::int64_t i = 0; i < images; ++i) {
      const std::int64_t k = changing[static_cast<std::size_t>(begin + i)];
      channels.ablated(k, ablated);
      write_channel(input, first_pixel, i, k, ablated);
    }
    const Tensor changed = tail.run(nullptr);
    const Tensor state = head ? tail.read(session.head_input) : Tensor();
    for (std::int64_t i = 0; i < images; ++i) {
      const std::int64_t k = changing[static_cast<std::size_t>(begin + i)];
      write_channel(input, first_pixel, i, k, channels.plane(k));
      const std::vector<double> drops =
          head ? head->drops(row_of(state, i)) : minus(logits, row_of(changed, i));
      for (std::size_t s = 0; s < scores.size(); ++s)
        result.drops[s][static_cast<std::size_t>(k)] = drop_of_score(logits, drops, scores[s]);
    }
  }
  if (progress && !progress(total, total)) throw Cancelled();
  return result;
}

}  // namespace

Drops Trace::ablate(std::string_view layer, const Ablation& ablation, std::span<const Score> scores,
                    const Progress& progress) const {
  const CompiledNetwork& session = *impl_->session;
  const NodeId from = session.kept_node(layer);
  const Shape& shape = session.shapes[static_cast<std::size_t>(from)];
  if (shape.size() != 4 || from == 0) {
    throw UsageError("layer " + std::string(layer) + " (" + to_string(shape) +
                     ") has no channels with a spatial extent to ablate");
  }
  if (shape[0] != 1)
    throw UsageError("ablation takes a trace of one image, not of " + std::to_string(shape[0]));
  const Tensor row = Trace::logits();
  const std::vector<double> logits(row.values().begin(), row.values().end());
  for (const Score& score : scores) {
    if (score.index < 0 || score.index >= static_cast<std::int64_t>(logits.size())) {
      throw UsageError("class " + std::to_string(score.index) + " does not exist; the network has " +
                       std::to_string(logits.size()));
    }
  }
  const Channels channels(impl_->read(from), ablation);
  const LinearTail linear = find_linear_tail(session, from);
  if (linear.linear >= 0) return closed_form(session, linear, channels, logits, scores);
  return rerun_tail(*impl_, from, channels, logits, scores, progress);
}

}  // namespace ablaze
