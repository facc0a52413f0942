#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include <ablaze/error.hpp>

#include "runtime/ablation/channels.hpp"
#include "runtime/ablation/logit_drops.hpp"
#include "runtime/ablation/request.hpp"

// The simple algorithm: reruns the tail with the ablated layer, one image of a batch per set of channels.

namespace ablaze::runtime {
namespace {

/// Images per batch: enough to keep the cores busy, few enough to stay near the caches.
std::int64_t batch_size(const CompiledNetwork& network, NodeId from, std::int64_t sets) {
  constexpr std::uint64_t most_bytes = std::uint64_t{96} << 20;
  constexpr std::int64_t most_images = 32;
  const std::uint64_t bytes = std::max<std::uint64_t>(network.tail(from, 1)->arena_floats * sizeof(float), 1);
  const auto fitting =
      static_cast<std::int64_t>(std::min(most_bytes, network.options.execution.memory_limit) / bytes);
  return std::clamp<std::int64_t>(fitting, 1, std::min(most_images, sets));
}

/// Writes one channel of one image of a value.
void write_channel(const Value& value, float* first_pixel, std::int64_t image, int channel,
                   std::span<const float> plane) {
  float* to = first_pixel + image * value.batch() + channel / kernels::kBlock * value.block() +
              channel % kernels::kBlock;
  const float* from = plane.data();
  for (int y = 0; y < value.extent.h; ++y) {
    for (int x = 0; x < value.extent.w; ++x) to[y * value.row() + x * kernels::kBlock] = *from++;
  }
}

std::span<const float> row_of(const Tensor& tensor, std::int64_t row) {
  const auto columns = static_cast<std::size_t>(tensor.size() / tensor.dim(0));
  return tensor.values().subspan(static_cast<std::size_t>(row) * columns, columns);
}

/// The drops of the logits. If the network ends in a linear layer, a delta dx of its input changes logit c by
/// W[c] . dx, which is computed in float64. The difference of two float32 logits, each far larger than the
/// drop, would lose digits.
class LogitDrops {
 public:
  LogitDrops(const RunState& trace, std::span<const Score> scores)
      : trace_(trace), logits_(logits_of(trace, 0)), classes_(all_classes(scores)) {
    if (trace.network().head == kNoNode) return;
    head_.emplace(trace.network(), classes_);
    before_ = trace.read(trace.network().head_input);
  }
  /// After a run.
  void read(const Tail& tail) { after_ = head_ ? tail.read(trace_.network().head_input) : tail.logits(); }
  double of_image(std::int64_t image, const Score& score) const {
    return drop_of_score(logits_, classes_, logit_drops(image), score);
  }

 private:
  std::vector<std::int64_t> all_classes(std::span<const Score> scores) const {
    return classes_read(static_cast<std::int64_t>(logits_.size()), scores);
  }
  std::vector<double> logit_drops(std::int64_t image) const {
    const std::span<const float> after = row_of(after_, image);
    std::vector<double> drops;
    if (!head_) {
      for (const std::int64_t c : classes_) drops.push_back(logits_[c] - after[c]);
      return drops;
    }
    std::vector<float> change(after.size());
    std::ranges::transform(after, before_.values(), change.begin(), std::minus<>());
    return head_->drops(change);
  }

  const RunState& trace_;
  std::vector<double> logits_;
  std::vector<std::int64_t> classes_;
  std::optional<HeadRows> head_;
  Tensor before_, after_;
};

}  // namespace

Drops ablate_by_rerun(const AblationRequest& q) {
  const CompiledNetwork& network = q.trace.network();
  if (network.shapes[q.layer][0] != 1) {
    throw UsageError(
        "a rerun needs a trace of one image: to ablate one image of several, keep the values before the "
        "ReLUs "
        "(SessionOptions::keep_preactivations)");
  }
  const Channels channels(q.trace, q.layer, 0, q.ablation);
  const std::vector<double> logits = logits_of(q.trace, 0);
  Drops result;
  result.method = AblationMethod::rerun;
  for (const Score& score : q.scores) {
    result.scores.push_back(score_of(logits, score));
    result.drops.emplace_back(q.sets.size(), 0.0);
  }
  // A channel that the ablation does not change (for example, all zeros) changes no score.
  std::vector<float> ablated(channels.area());
  const auto changes = [&](int k) {
    channels.ablated(k, ablated);
    return !std::ranges::equal(channels.plane(k), ablated);
  };
  std::vector<std::size_t> changing;
  for (std::size_t s = 0; s < q.sets.size(); ++s) {
    if (std::ranges::any_of(q.sets[s], changes)) changing.push_back(s);
  }
  result.changed = static_cast<std::int64_t>(changing.size());
  if (changing.empty()) return result;

  const auto total = static_cast<std::int64_t>(changing.size());
  const std::int64_t batch = batch_size(network, q.layer, total);
  Tail tail(q.trace, q.layer, batch);
  LogitDrops logit_drops(q.trace, q.scores);
  const Value& input = tail.input();
  float* first_pixel = write_view(input, tail.memory()).data;
  const float* base = q.trace.arena() + network.value(q.layer).offset;
  for (std::int64_t image = 0; image < batch; ++image) {  // every image starts as the unchanged layer
    std::memcpy(first_pixel - input.origin() + image * input.batch(), base,
                static_cast<std::size_t>(input.batch()) * sizeof(float));
  }
  for (std::int64_t begin = 0; begin < total; begin += batch) {
    if (q.progress && !q.progress(begin, total)) throw Cancelled();
    const std::int64_t images = std::min(batch, total - begin);
    const auto set_of = [&](std::int64_t i) { return changing[begin + i]; };
    for (std::int64_t i = 0; i < images; ++i) {
      for (const int k : q.sets[set_of(i)]) {
        channels.ablated(k, ablated);
        write_channel(input, first_pixel, i, k, ablated);
      }
    }
    tail.run(nullptr);
    logit_drops.read(tail);
    for (std::int64_t i = 0; i < images; ++i) {
      for (const int k : q.sets[set_of(i)]) write_channel(input, first_pixel, i, k, channels.plane(k));
      for (std::size_t s = 0; s < q.scores.size(); ++s)
        result.drops[s][set_of(i)] = logit_drops.of_image(i, q.scores[s]);
    }
  }
  if (q.progress && !q.progress(total, total)) throw Cancelled();
  return result;
}

}  // namespace ablaze::runtime
