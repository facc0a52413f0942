#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <ablaze/preprocess.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

/// An 8-bit RGB picture, row-major, three bytes a pixel.
class Image {
 public:
  Image() = default;
  Image(int width, int height);  ///< black
  /// Copies a caller's buffer; rgb.size() must be 3 * width * height.
  Image(int width, int height, std::span<const std::uint8_t> rgb);

  /// Decodes a JPEG (progressive too) or PNG (grey, palette, alpha, 16 bit), known by its content;
  /// alpha is laid over white, 16 bits become 8, EXIF orientation is applied. At most 64 megapixels and
  /// 16,384 pixels a side. Throws Error naming the file.
  static Image load(const std::filesystem::path& file);
  /// The same from bytes in memory; `name` is for the errors.
  static Image decode(std::span<const std::byte> bytes, const std::string& name = "image");

  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return pixels_.empty(); }
  std::span<const std::uint8_t> pixels() const { return pixels_; }
  std::span<std::uint8_t> pixels() { return pixels_; }
  std::uint8_t* at(int x, int y);
  const std::uint8_t* at(int x, int y) const;

  /// Written whole or not at all (a temporary beside it, then renamed). Throws Error.
  void save_png(const std::filesystem::path& file) const;

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// Pillow's antialiased bilinear resize, bit for bit on 8-bit RGB.
Image resize(const Image& image, int width, int height);

/// A rectangle in a photo's own pixels (not whole numbers: the crop is made after resizing).
struct CropBox {
  double x = 0, y = 0, width = 0, height = 0;
};

/// Resize, centre crop, normalise: [1, 3, crop, crop]. torchvision's arithmetic (sizes truncated,
/// offsets rounded, a photo smaller than the crop padded with zeros).
Tensor preprocess(const Image& image, const Preprocess& how);
/// What part of the photo the network sees.
CropBox crop_box(int width, int height, const Preprocess& how);

/// The picture that a network sees: a normalised [1, 3, H, W] or [3, H, W] tensor back in RGB.
Image denormalise(const Tensor& input, const Preprocess& how);

/// Colour maps for heatmaps; each maps [0, 1] to RGB.
enum class ColourMap { inferno, viridis, magma, turbo, jet, grey };
ColourMap parse_colour_map(std::string_view name);  ///< UsageError with the known names
std::span<const std::string> colour_map_names();
std::array<std::uint8_t, 3> colour(ColourMap map, float value);

/// A map scaled so that its least value becomes 0 and its largest 1; a flat map becomes all zeros.
Tensor normalise_map(const Tensor& map);

/// Bicubic-smooth upsampling of a [h, w] map to [height, width] (half-pixel centres, edges clamped,
/// never beyond the map's own range).
Tensor upsample_map(const Tensor& map, int width, int height);

struct OverlayOptions {
  ColourMap colours = ColourMap::inferno;
  float opacity = 0.5F;  ///< 0: the photo alone; 1: the map alone, inside the crop
};
/// The map laid over the photo, at the photo's own size, where the crop was; outside the crop the photo is
/// dimmed. `map` is [h, w], any range (normalised here).
Image overlay(const Image& photo, const Tensor& map, const CropBox& where,
              const OverlayOptions& options = {});

}  // namespace ablaze
