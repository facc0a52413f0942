#include <algorithm>
#include <cstring>
#include <vector>

#include <ablaze/error.hpp>

#include "cam/methods/methods.hpp"
#include "cam/result.hpp"
#include "cam/scores.hpp"

// Recipro-CAM keeps one location of the layer, where Ablation-CAM removes one channel. With M_p the mask that
// is 1 at location p and 0 elsewhere, the same for all channels,
//
//     map(p) = ReLU(y(M_p A) - y(0))
//
// The paper scales y(M_p A) to [0, 1] over the locations, which leaves the zero undefined. Here the zero is
// the score of an empty layer, y(0): a location without effect is 0, and behind a global average pool and a
// linear layer the map is CAM's divided by the number of locations. The authors' code uses softmax
// probabilities and spreads each location over its neighbours by a 3x3 Gaussian; here the score is the
// requested one (the logit by default) and a location is one location, as in the paper's formula.

namespace ablaze::cam {

namespace {

// A few megabytes of activations per batch: enough for all cores, little compared to the network.
constexpr std::int64_t kMaxLocations = 32;
constexpr std::int64_t kMaxFloats = std::int64_t{1} << 24;

/// The scores of the layer with one location left, [locations + 1][targets]; the last row is of no location.
class LocationScores {
 public:
  explicit LocationScores(const Request& request)
      : q_(request),
        activation_(q_.trace.activation(q_.layer)),
        locations_(activation_.dim(2) * activation_.dim(3)),
        batch_(std::clamp<std::int64_t>(kMaxFloats / std::max<std::int64_t>(activation_.size(), 1), 1,
                                        std::min(kMaxLocations, locations_ + 1))) {}

  std::vector<std::vector<double>> scores() const {
    Shape shape = activation_.shape();
    shape[0] = batch_;
    std::vector<std::vector<double>> all;
    for (std::int64_t first = 0; first <= locations_; first += batch_) {
      if (q_.progress && !q_.progress(first, locations_ + 1)) throw Cancelled();
      Tensor masked(shape);
      for (std::int64_t i = 0; i < batch_ && first + i < locations_; ++i) copy_location(first + i, i, masked);
      append_scores(q_.trace.resume(q_.layer, masked), std::min(batch_, locations_ + 1 - first), all);
    }
    return all;
  }

 private:
  void copy_location(std::int64_t location, std::int64_t image, Tensor& masked) const {
    for (std::int64_t k = 0; k < activation_.dim(1); ++k) {
      const std::int64_t at = k * locations_ + location;
      masked[image * activation_.size() + at] = activation_[at];
    }
  }

  void append_scores(const Tensor& logits, std::int64_t rows, std::vector<std::vector<double>>& all) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      std::vector<double> scores;
      for (const Target& target : q_.targets) scores.push_back(score_of(target, row(logits, i)));
      all.push_back(std::move(scores));
    }
  }

  const Request& q_;
  Tensor activation_;
  std::int64_t locations_, batch_;
};

std::vector<Result> reciprocam_maps(const Request& request) {
  const std::vector<std::vector<double>> scores = LocationScores(request).scores();
  const Shape shape = request.session.layer_shape(request.layer);
  std::vector<Result> results;
  for (std::size_t t = 0; t < request.targets.size(); ++t) {
    Tensor sum({shape.at(2), shape.at(3)});
    for (std::int64_t p = 0; p < sum.size(); ++p)
      sum[p] = static_cast<float>(scores[p][t] - scores.back()[t]);
    results.push_back(result_from(std::move(sum)));
  }
  return results;
}

}  // namespace

constexpr Method reciprocam{
    .id = "reciprocam",
    .name = "Recipro-CAM",
    .summary = "Keeps one location of the layer at a time and measures the score of that location alone.",
    .paper =
        "S.-Y. Byun and W. Lee, ReciproCAM: Lightweight Gradient-free Class Activation Map for Post-hoc "
        "Explanations, CVPR Workshops 2024",
    .passes = "one forward pass from the layer per location",
    .cost =
        [](const Shape& layer, const MethodOptions&) {
          return Cost{.tails = static_cast<double>(layer.at(1) * layer.at(2) + 1)};
        },
    .explain = reciprocam_maps,
};

}  // namespace ablaze::cam
