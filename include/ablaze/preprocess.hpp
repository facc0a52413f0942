#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ablaze {

enum class Interpolation { bilinear, bicubic };
std::string to_string(Interpolation interpolation);        ///< "bilinear" or "bicubic"
Interpolation parse_interpolation(std::string_view name);  ///< Throws UsageError

/// How a photo becomes a network's input: the shorter side is resized to `resize` pixels (Pillow's
/// antialiased filter), the centre crop x crop is cut out, values in [0, 1] become (v - mean) / std. If the
/// input is not square, the photo is resized until it covers height x width times resize / crop.
struct Preprocess {
  int resize = 256;
  int crop = 224;
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> std{0.229F, 0.224F, 0.225F};
  int crop_width = 0;  ///< of an input that is not square: crop is its height; 0: crop
  /// Of the input: 3 (red, green, blue) or 1 (grey, Pillow's "L", with the first mean and std). A network
  /// with another number takes no photos, only tensors.
  int channels = 3;

  int width() const { return crop_width > 0 ? crop_width : crop; }
};

}  // namespace ablaze
