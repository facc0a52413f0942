#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <ablaze/graph.hpp>
#include <ablaze/machine.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

#include "support/isas.hpp"
#include "support/relative_error.hpp"

namespace ablaze::testing {

/// PyTorch's float64 results for a thin network; see tests/data/golden/make_golden.py.
class Golden {
 public:
  struct Activation {
    std::string layer;
    Shape shape;                     ///< of the batch
    double sum = 0;                  ///< of all activations
    std::span<const double> sample;  ///< some of them, evenly spaced
  };
  struct Drops {
    std::string layer;
    std::int64_t channels = 0;
    std::span<const double> values;  ///< [kind][score][channel]
  };

  /// dy / d layer for the whole batch.
  struct Gradient {
    std::string layer;
    std::size_t score = 0;           ///< of gradient_scores
    double norm = 0;                 ///< L2
    double projection = 0;           ///< the sum of gradient * the seeded "direction LAYER"
    std::span<const double> sample;  ///< some elements, evenly spaced
  };

  explicit Golden(const std::string& network);

  Graph graph;  ///< with its seeded weights
  Shape input_shape;
  std::vector<double> logits;      ///< [N, classes]
  std::vector<std::string> kinds;  ///< of ablation: "zero", "scale", "mean", "mask"
  float scale = 0;                 ///< the factor of the kind "scale"
  std::vector<Score> scores;
  std::vector<std::string> score_names;
  std::vector<Activation> activations;
  std::vector<Drops> drops;
  std::vector<Score> gradient_scores;
  std::vector<Gradient> gradients;

  /// The whole batch, or one image of it.
  Tensor input() const;
  Tensor image(std::int64_t row) const;

 private:
  std::vector<double> numbers_;
};

std::vector<double> widened(std::span<const float> values);

/// Whether two tensors have the same bytes.

}  // namespace ablaze::testing
