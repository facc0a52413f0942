#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ablaze {

enum class Interpolation { bilinear, bicubic };
std::string to_string(Interpolation interpolation);        ///< "bilinear" or "bicubic"
Interpolation parse_interpolation(std::string_view name);  ///< Throws UsageError

/// Which side of a photo is resized to Preprocess::resize pixels.
enum class Fit {
  shorter,  ///< the shorter side, as in torchvision; the crop cuts off the rest of the longer one
  squash,   ///< both sides, without regard to their proportion
  border  ///< the longer side, as timm's crop mode of this name; borders of the mean colour complete the crop
};
std::string to_string(Fit fit);        ///< "shorter", "squash" or "border"
Fit parse_fit(std::string_view name);  ///< Throws UsageError

/// How a photo becomes a network's input: by `fit`, the shorter side is resized to `resize` pixels (Pillow's
/// antialiased filter), the centre crop x crop is cut out, values in [0, 1] become (v - mean) / std. If the
/// input is not square, `resize` is for its height, and the width's is in proportion: by Fit::shorter the
/// photo then covers both, by Fit::border it lies within both.
struct Preprocess {
  int resize = 256;
  int crop = 224;
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> std{0.229F, 0.224F, 0.225F};
  Fit fit = Fit::shorter;
  int crop_width = 0;  ///< of an input that is not square: crop is its height; 0: crop
  /// Of the input: 3 (red, green, blue) or 1 (grey, Pillow's "L", with the first mean and std). A network
  /// with another number takes no photos, only tensors.
  int channels = 3;

  int width() const { return crop_width > 0 ? crop_width : crop; }
};

}  // namespace ablaze
