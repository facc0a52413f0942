#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ablaze {

/// Whether parts that are meant to add up to something do.
struct Completeness {
  double whole = 0;              ///< y(A) - y(A'), A' with every channel ablated
  double gap = 0;                ///< the parts' sum less that
  std::int64_t evaluations = 0;  ///< scores or gradients that were taken of the network
};

/// How channels act together: I(i, j) = y - y_i - y_j + y_ij, what taking both away costs beside what taking
/// away each costs, with the sign turned. Below zero one stands in for the other (redundancy); above, they
/// work together (synergy); 0 for channels that have nothing to do with each other.
struct Interactions {
  struct Pair {
    int first = 0, second = 0;  ///< channels
    double value = 0;           ///< I, in the score's unit
  };
  std::vector<int> channels;                ///< those that were paired, the strongest first
  std::vector<std::vector<double>> matrix;  ///< I of each two of them; on the diagonal the channel's own drop
  std::vector<Pair> redundant;              ///< the most negative pairs, the strongest first
  std::vector<Pair> synergistic;            ///< the most positive ones
};

/// One channel on the way from its gradient to its ablation: (y - y_k(s)) / (1 - s) at each scale s that its
/// activations are multiplied by. At s = 1 this is the sum of A_k dy/dA_k, at s = 0 the drop.
struct ChannelPath {
  int channel = 0;
  std::vector<double> scales;  ///< from 1 down to 0
  std::vector<double> values;
};

/// What some methods tell beside a map; each part is empty where the method has none.
struct Findings {
  std::vector<double> attributions;     ///< [C] parts of y(A) - y(A') that add up to it
  std::vector<double> standard_errors;  ///< [C] of the attributions, where they are sampled
  std::optional<Completeness> completeness;
  std::optional<Interactions> interactions;
  std::vector<ChannelPath> paths;
  /// The classes that this one was set against: Finer-CAM's, or a margin's other class.
  std::vector<std::int64_t> against;
};

}  // namespace ablaze
