#pragma once

#include <string>
#include <string_view>

namespace ablaze {

/// How the maps of several layers become one. Each is first enlarged to the finest one's size and divided by
/// its own largest magnitude, so that no layer counts more for its units.
enum class Fusion {
  mean,     ///< what most layers show
  maximum,  ///< what any layer shows: the value farthest from zero (LayerCAM's choice)
  product,  ///< what all layers show: the geometric mean, 0 where their signs differ
};
Fusion parse_fusion(std::string_view name);  ///< mean, max or product. Throws UsageError
std::string to_string(Fusion fusion);

/// What is done against the noise in a map.
struct Smoothing {
  /// Test-time augmentation: the mean over what the method says of the input and its mirror image, each at
  /// three sizes, every map turned back and brought to the input's own. Takes six times as long. The
  /// network must take inputs of any size.
  bool augment = false;
  /// The terms w_k A_k are replaced by their best approximation of rank one before they are summed. For
  /// methods that give each channel one weight.
  bool principal = false;
};

}  // namespace ablaze
