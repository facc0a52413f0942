#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ablaze {

enum class Interpolation { bilinear, bicubic };
std::string to_string(Interpolation interpolation);        ///< "bilinear" or "bicubic"
Interpolation parse_interpolation(std::string_view name);  ///< Throws UsageError

/// How a photo becomes a network's input: the shorter side is resized to `resize` pixels (Pillow's
/// antialiased filter), the centre crop x crop is cut out, values in [0, 1] become (v - mean) / std.
struct Preprocess {
  int resize = 256;
  int crop = 224;
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> std{0.229F, 0.224F, 0.225F};
};

}  // namespace ablaze
