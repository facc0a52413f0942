#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>

namespace ablaze {

/// How explanations are drawn.
struct MapStyle {
  /// A diverging colour map draws Explanation::signed_map, any other Explanation::map.
  ColourMap colours = ColourMap::inferno;
  float opacity = 0.5F;  ///< see OverlayOptions
  /// One method's maps of several classes on one range, in one unit (times Explanation::divisor): what is
  /// bright for one class is as strong as what is bright for another. Else each map has its own range.
  bool shared_scale = false;
  std::optional<double> box{};  ///< draw the region that reaches this share of the map's largest value
};

/// The map that a style draws of an explanation.
const Tensor& drawn_map(const Explanation& explanation, const MapStyle& style);

/// The range on which each explanation of one input is drawn, in its own map's unit.
std::vector<ValueRange> drawn_ranges(std::span<const Explanation> explanations, const MapStyle& style);

/// An explanation over its photo, at the photo's size. A map that shows nothing has its note on the picture,
/// where there is room for words.
Image explanation_picture(const Image& photo, const Explanation& explanation, const ValueRange& range,
                          const MapStyle& style);

/// All explanations of one input on one sheet: a row a method, a column a class, with the photo, the best
/// classes, and a colour bar with numbers. `title` stands above it. At most `most_sheet_classes` columns; a
/// line tells of the others. Throws Error where there is no explanation.
inline constexpr int kMostSheetClasses = 32;
Image contact_sheet(const Image& photo, std::span<const Explanation> explanations, const MapStyle& style,
                    const std::string& title);

/// The ways of a layer's channels from gradient times activation to their ablation (MethodOptions::paths): a
/// curve each, over the factor that the channel's activations are multiplied by. The first eight, which have
/// the largest drops, are named; the others are grey. Throws Error where there is no path, or one is not
/// finite.
Image path_curves(const std::string& layer, const ClassScore& target, std::span<const ChannelPath> paths);

/// How a layer's strongest channels act in pairs (MethodOptions::interactions): a square for each two of
/// them, blue where they stand in for each other, red where they work together, and the strongest pairs in
/// words. Throws Error where there are no channels, the matrix is not square, or a number is not finite.
Image interaction_matrix(const std::string& layer, const ClassScore& target, const Interactions& found);

/// A stage on the way from the input to the overlay.
struct StepPicture {
  std::string name;  ///< "input", "channels", "sum", "relu", "overlay"
  Image picture;
};

/// The running sum after the `channels` strongest channels.
struct RunningSum {
  std::int64_t channels = 0;
  double least = 0, largest = 0;
  double difference = 0;  ///< to the sum of all: relative L2; 0 where that sum is zero
};

/// The way of an explanation, step by step.
struct Steps {
  std::vector<StepPicture> pictures;
  /// Channels, the one with the largest weight (by magnitude) first; where the method weights none, by their
  /// largest activation.
  std::vector<int> order;
  std::vector<RunningSum> sums;  ///< empty where the method weights no channels
  std::int64_t places_cut = 0;   ///< locations that the ReLU sets to zero
};

/// Draws the steps of an explanation made with ExplainOptions::keep_activations from one layer, unsmoothed:
/// the input as the network sees it, the channels with the strongest weights beside them, the running
/// weighted sum, the ReLU, the overlay. Throws Error for another explanation.
Steps draw_steps(const Preprocess& how, const Explanation& explanation, const Image& overlay_picture);

}  // namespace ablaze
