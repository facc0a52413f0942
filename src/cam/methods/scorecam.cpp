#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ablaze/error.hpp>

#include "cam/masks.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"
#include "cam/scores.hpp"
#include "threads/threads.hpp"

// Score-CAM. Each channel, drawn up to the size of the input X and scaled to [0, 1], is a mask M_k; what the
// network says of the masked input is the channel's score:
//
//     s_k = y(M_k X)        w_k = exp(s_k) / sum_j exp(s_j)        map = ReLU(sum_k w_k A_k)
//
// The paper subtracts y of a baseline input from every s_k, which the softmax over channels takes out again.
// Its algorithm has that softmax; the code its authors published weights channels by the class's softmax
// probability instead and has none. The most used library follows the algorithm, as this does. Left open
// there:
//
// - Masks are drawn up bilinearly with pixels' centres half a pixel inside (align_corners=False, as in the
//   authors' code; the library has True), and scaled by what they reach after that.
// - A channel that is the same everywhere makes no mask: its weight is 0 and it is no part of the softmax.
// The
//   library shows the network an input of zeros for it, and lets that score into the sum.
// - The mask multiplies the normalised input, so that what is hidden has the mean colour.

namespace ablaze::cam {

namespace {

// Beside the weights: enough for 16 inputs of 224 x 224 to a ResNet and 8 to a VGG, whose speed more does not
// raise.
constexpr std::uint64_t most_bytes = std::uint64_t{192} << 20;
constexpr std::int64_t most_inputs = 16;

std::vector<int> channels_with_a_mask(const Tensor& activation) {
  std::vector<int> channels;
  for (std::int64_t k = 0; k < activation.dim(1); ++k) {
    if (!is_flat(activation, k)) channels.push_back(static_cast<int>(k));
  }
  return channels;
}

/// s_k of each of `channels`, for each target: [targets][channels].
std::vector<std::vector<double>> scores_of_masked_inputs(const Request& q, const Tensor& activation,
                                                         std::span<const int> channels) {
  const Masks masks(activation, q.input);
  Batch batch = Batch::within(q.session, most_bytes, most_inputs);
  std::vector<std::vector<double>> scores(q.targets.size());
  const auto total = static_cast<std::int64_t>(channels.size());
  for (std::int64_t first = 0; first < total; first += batch.size()) {
    if (q.progress && !q.progress(first, total)) throw Cancelled();
    const auto count = static_cast<int>(std::min(batch.size(), total - first));
    threads::for_each(q.session.options().execution, count,
                      [&](std::int64_t i) { masks.apply(channels[first + i], i, batch.inputs()); });
    const Tensor logits = batch.logits();
    for (int i = 0; i < count; ++i) {
      for (std::size_t t = 0; t < scores.size(); ++t)
        scores[t].push_back(score_of(q.targets[t], row(logits, i)));
    }
  }
  if (q.progress && !q.progress(total, total)) throw Cancelled();
  return scores;
}

/// exp(s) over its sum, 0 for channels that have no score.
std::vector<double> softmax(std::span<const double> scores, std::span<const int> channels,
                            std::int64_t count) {
  std::vector<double> weights(count);
  if (scores.empty()) return weights;
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const double s : scores) sum += std::exp(s - largest);
  for (std::size_t i = 0; i < scores.size(); ++i) weights[channels[i]] = std::exp(scores[i] - largest) / sum;
  return weights;
}

std::vector<Result> scorecam_maps(const Request& request) {
  const Tensor activation = request.trace.activation(request.layer);
  const std::vector<int> channels = channels_with_a_mask(activation);
  const auto scores = scores_of_masked_inputs(request, activation, channels);
  std::vector<Result> results;
  results.reserve(scores.size());
  for (const std::vector<double>& of_target : scores)
    results.push_back(result_from(activation, softmax(of_target, channels, activation.dim(1))));
  return results;
}

}  // namespace

constexpr Method scorecam{
    .id = "scorecam",
    .name = "Score-CAM",
    .summary = "Masks the input with each channel and weights the channel by the score of the masked input.",
    .paper =
        "H. Wang, Z. Wang, M. Du, F. Yang, Z. Zhang, S. Ding, P. Mardziel and X. Hu, Score-CAM: "
        "Score-Weighted "
        "Visual Explanations for Convolutional Neural Networks, CVPR Workshops 2020",
    .passes = "one pass of the whole network per channel that is not constant",
    .cost = [](const Shape& layer,
               const MethodOptions&) { return Cost{.networks = static_cast<double>(layer.at(0))}; },
    .explain = scorecam_maps,
};

}  // namespace ablaze::cam
