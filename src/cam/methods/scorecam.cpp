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

// Score-CAM. Each channel, upsampled to the size of the input X and scaled to [0, 1], is a mask M_k; the
// network's score of the masked input is the channel's score:
//
//     s_k = y(M_k X)        w_k = exp(s_k) / sum_j exp(s_j)        map = ReLU(sum_k w_k A_k)
//
// The paper subtracts the score of a baseline input from every s_k, which cancels in the softmax over
// channels. The paper's algorithm has that softmax; the authors' code instead weights channels by the class's
// softmax probability. The most used library follows the algorithm, as does this. Details that the paper
// leaves open:
//
// - Masks are upsampled bilinearly with pixel centres at half pixels (align_corners=False, as in the authors'
//   code; the library has True), and scaled by their minimum and maximum after that.
// - A constant channel has no mask: its weight is 0 and it is not in the softmax. The library runs the
//   network on an input of zeros for it and includes that score in the sum.
// - The mask multiplies the normalised input, so that hidden pixels have the mean colour.

namespace ablaze::cam {

namespace {

// In addition to the weights: enough for 16 inputs of 224 x 224 for a ResNet and 8 for a VGG. More does not
// run faster.
constexpr std::uint64_t kMaxBytes = std::uint64_t{192} << 20;
constexpr std::int64_t kMaxInputs = 16;

std::vector<int> channels_with_a_mask(const Tensor& activation) {
  std::vector<int> channels;
  for (std::int64_t k = 0; k < activation.dim(1); ++k) {
    if (!is_flat(activation, k)) channels.push_back(static_cast<int>(k));
  }
  return channels;
}

/// s_k for each channel in `channels` and each target: [targets][channels].
std::vector<std::vector<double>> scores_of_masked_inputs(const Request& q, const Tensor& activation,
                                                         std::span<const int> channels) {
  const Masks masks(activation, q.input);
  Batch batch = Batch::within(q.session, kMaxBytes, kMaxInputs);
  std::vector<std::vector<double>> scores(q.targets.size());
  const auto total = static_cast<std::int64_t>(channels.size());
  for (std::int64_t first = 0; first < total; first += batch.size()) {
    if (q.progress && !q.progress(first, total)) throw Cancelled();
    const auto count = static_cast<int>(std::min(batch.size(), total - first));
    threads::for_each(q.session.options().execution, count,
                      [&](std::int64_t i) { masks.apply(channels[first + i], i, batch.inputs()); });
    const Tensor logits = batch.run();
    for (int i = 0; i < count; ++i) {
      for (std::size_t t = 0; t < scores.size(); ++t)
        scores[t].push_back(score_of(q.targets[t], row(logits, i)));
    }
  }
  if (q.progress && !q.progress(total, total)) throw Cancelled();
  return scores;
}

/// exp(s) over its sum; 0 for channels without a score.
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
