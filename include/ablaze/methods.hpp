#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze {

/// A CAM method as `ablaze methods` lists it.
struct MethodInfo {
  std::string id;       ///< "ablation"
  std::string name;     ///< "Ablation-CAM"
  std::string summary;  ///< one sentence
  std::string paper;    ///< authors, title, venue, year
  std::string passes;   ///< the passes that it runs for one class, in words
  bool needs_gradients = false;
  bool class_discriminative = true;  ///< whether the maps of two classes of an image differ
};
std::span<const MethodInfo> methods();

/// Options of single methods; the other methods ignore them.
struct MethodOptions {
  std::uint64_t seed = 0;  ///< random, shapley: the seed of the random numbers
  /// shapley: sample until the largest standard error of a channel's value is at most this part of |y|.
  double until = 0.01;
  /// ablation, shapley: report the interactions of this many channels in pairs; 0: none.
  int interactions = 0;
  /// ablation: report the paths of this many channels from their gradient to their ablation; 0: none.
  int paths = 0;
  std::string base = "gradcam";  ///< finercam: the method that explains the difference
  int references = 3;            ///< finercam: the number of similar classes that are subtracted
  double strength = 1;           ///< finercam: the factor of their scores
};

/// Whether attributions that should add up to a difference of scores do.
struct Completeness {
  double whole = 0;              ///< y(A) - y(A'), A' with every channel ablated
  double gap = 0;                ///< the sum of the attributions less `whole`
  std::int64_t evaluations = 0;  ///< scores or gradients that were computed
};

/// How channels act together: I(i, j) = y - y_i - y_j + y_ij, the sum of both drops less the drop of ablating
/// both together. Below zero: the channels stand in for each other (redundancy). Above: they work together
/// (synergy). 0: they are independent.
struct Interactions {
  struct Pair {
    int first = 0, second = 0;  ///< channels
    double value = 0;           ///< I, in the score's unit
  };
  std::vector<int> channels;                ///< the channels that were paired, the strongest first
  std::vector<std::vector<double>> matrix;  ///< I of each two of them; on the diagonal the channel's own drop
  std::vector<Pair> redundant;              ///< the most negative pairs, the strongest first
  std::vector<Pair> synergistic;            ///< the most positive pairs
};

/// A channel on the path from its gradient to its ablation: (y - y_k(s)) / (1 - s) at each scale s that its
/// activations are multiplied by. At s = 1 this is the sum of A_k dy/dA_k, at s = 0 the drop.
struct ChannelPath {
  int channel = 0;
  std::vector<double> scales;  ///< from 1 down to 0
  std::vector<double> values;
};

/// Results of some methods in addition to the map; each is empty where the method has none.
struct Findings {
  std::vector<double> attributions;     ///< [C] parts of y(A) - y(A') that add up to it
  std::vector<double> standard_errors;  ///< [C] of the attributions, where they are sampled
  std::optional<Completeness> completeness;
  std::optional<Interactions> interactions;
  std::vector<ChannelPath> paths;
  /// The classes that are subtracted: Finer-CAM's similar classes, or the other class of a margin.
  std::vector<std::int64_t> against;
};

/// How the maps of several layers become one. Each is first enlarged to the size of the finest and divided by
/// its own largest magnitude, so that the layers' units do not count.
enum class Fusion {
  mean,     ///< what most layers show
  maximum,  ///< what any layer shows: the value farthest from zero (LayerCAM's choice)
  product,  ///< what all layers show: the geometric mean, 0 where their signs differ
};
std::string to_string(Fusion fusion);        ///< "mean", "max" or "product"
Fusion parse_fusion(std::string_view name);  ///< Throws UsageError

/// What is done against the noise in a map.
struct Smoothing {
  /// Test-time augmentation: the mean of the maps of the input and its mirror image, each at three sizes,
  /// every map turned back and resized to the input's own. Takes six times as long. The network must take
  /// inputs of any size.
  bool augment = false;
  /// The terms w_k A_k are replaced by their best approximation of rank one before they are summed. For
  /// methods with one weight per channel.
  bool principal = false;
};

}  // namespace ablaze
