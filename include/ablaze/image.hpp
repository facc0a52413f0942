#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/preprocess.hpp>
#include <ablaze/rectangle.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

/// An 8-bit RGB picture, row-major, three bytes a pixel; empty, or from 1x1 up to the limits below,
/// which every function that makes an Image enforces (throws Error).
class Image {
 public:
  static constexpr int max_side = 16'384;                 ///< pixels
  static constexpr std::int64_t max_pixels = 67'108'864;  ///< 64 Mi

  Image() = default;
  Image(int width, int height);  ///< black
  /// Copies a caller's buffer; rgb.size() must be 3 * width * height.
  Image(int width, int height, std::span<const std::uint8_t> rgb);

  /// Decodes a JPEG (baseline or progressive; grey, colour, CMYK) or PNG (grey, palette, alpha, 16 bit),
  /// known by its content; alpha is laid over white, 16 bits become 8, EXIF orientation is applied, colour
  /// profiles are not. With libjpeg-turbo (see jpeg_decoder) a JPEG's pixels are Pillow's, bit for bit.
  /// Truncated and damaged files are refused; a JPEG that is only odd (no end-of-image marker, bytes that
  /// belong to nothing, damage inside that the decoder overcomes) is read, and a sentence about it is added
  /// to `notes`. Throws Error naming the file.
  static Image load(const std::string& file, std::vector<std::string>* notes = nullptr);
  /// The same from bytes in memory; `name` is for the errors.
  static Image decode(std::span<const std::byte> bytes, const std::string& name = "image",
                      std::vector<std::string>* notes = nullptr);

  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return pixels_.empty(); }
  std::span<const std::uint8_t> pixels() const { return pixels_; }
  std::span<std::uint8_t> pixels() { return pixels_; }
  /// The three bytes of a pixel. Throws Error outside the picture.
  std::uint8_t* at(int x, int y);
  const std::uint8_t* at(int x, int y) const;

  /// Written whole or not at all (a temporary beside it, then renamed). Throws Error.
  void save_png(const std::string& file) const;

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// What decodes JPEGs in this build: "libjpeg-turbo 2.1.5", or "stb_image 2.27" where that was not there. The
/// two round differently, so measurements of the one do not mix with those of the other.
std::string jpeg_decoder();

/// Pillow's antialiased bilinear resize, bit for bit on 8-bit RGB.
Image resize(const Image& image, int width, int height);

/// Resize, centre crop, normalise: [1, 3, crop, crop]. torchvision's arithmetic (sizes truncated,
/// offsets rounded half to even, a photo smaller than the crop padded with black; for Fit::border timm's,
/// with sizes rounded and the mean colour), bit for bit. Only what the crop shows is computed, so a long
/// strip costs no more than a square. Interpolation: bilinear or bicubic. Throws Error for a Preprocess that
/// makes no sense.
Tensor preprocess(const Image& image, const Preprocess& how);
/// The same into a caller's buffer of 3 x crop x crop numbers. Throws Error where its size is another.
void preprocess(const Image& image, const Preprocess& how, std::span<float> to);
/// The part of a photo of width x height that the network sees, in the photo's pixels. Not whole numbers,
/// since the crop is made after resizing; it reaches beyond the photo where the crop is larger than the
/// resized photo.
Rectangle crop_rectangle(int width, int height, const Preprocess& how);

/// The picture that a network sees: a normalised [1, 3, H, W] or [3, H, W] tensor back in RGB.
Image denormalise(const Tensor& input, const Preprocess& how);

/// Colour maps for heatmaps; each maps [0, 1] to RGB. The first three are perceptually uniform and
/// rise in lightness; turbo and jet are rainbows, grey is a ramp. bluered diverges: it is for maps with a
/// sign, and its middle stands for zero.
enum class ColourMap { inferno, viridis, magma, turbo, jet, grey, bluered };
bool is_diverging(ColourMap map);
std::string to_string(ColourMap map);
ColourMap parse_colour_map(std::string_view name);  ///< Throws UsageError with the known names
std::span<const std::string> colour_map_names();
/// Values outside [0, 1] are clamped; NaN counts as 0.
std::array<std::uint8_t, 3> colour(ColourMap map, float value);

/// The values that the two ends of a colour map stand for.
struct ValueRange {
  double low = 0, high = 0;
};
/// A map's own: from its least to its largest finite value; for a diverging colour map as far below zero as
/// above it. A map without a finite value, or of zeros under a diverging colour map, has {0, 0}.
ValueRange range_of(const Tensor& map, ColourMap colours);
/// The map with `low` at 0 and `high` at 1, clamped between. NaN, and all that is finite where the range is
/// empty (a flat map), becomes 0, or 1/2 where the colours diverge; -inf and +inf become 0 and 1.
Tensor scaled_map(const Tensor& map, const ValueRange& range, ColourMap colours);

/// A map scaled so that its least finite value becomes 0 and its largest 1; a flat map becomes all zeros.
/// NaN and -inf become 0, +inf becomes 1.
Tensor normalise_map(const Tensor& map);

/// Bicubic-smooth upsampling of a [h, w] map to [height, width] (half-pixel centres, edges clamped,
/// never beyond the map's own range). The map's values must be finite.
Tensor upsample_map(const Tensor& map, int width, int height);

struct OverlayOptions {
  ColourMap colours = ColourMap::inferno;
  /// 0: the photo alone; 1: the map alone, inside the crop. Between them the map covers more where it is
  /// high than where it is low, so that the photo stays readable.
  float opacity = 0.5F;
  /// What the colours stand for: the map's own range where absent. Give several maps one range, and they
  /// can be compared.
  std::optional<ValueRange> range{};
};
/// The map over the photo, at the photo's own size; outside of `seen`, the part that the network saw, the
/// photo is dimmed (less so at a low opacity). `map` is [h, w]. Under a diverging colour map the photo shows
/// where the map is near zero.
Image overlay(const Image& photo, const Tensor& map, const Rectangle& seen,
              const OverlayOptions& options = {});

/// What part of a photo a map points at: all that reaches a share of the map's largest value, and the box
/// round the largest connected piece of that. The map is looked up as in the overlay; pixels touch by their
/// sides.
struct Region {
  double threshold = 0;  ///< the share
  PixelRectangle
      box;  ///< round the largest connected piece; of equally large ones the leftmost, then the uppermost
  std::int64_t pixels = 0;  ///< in all pieces
  /// The mask, column after column, as run lengths that begin with a run outside (which may be 0): the
  /// uncompressed form of the COCO data set. Of the photo's size.
  std::vector<std::int64_t> runs;
  int mask_width = 0, mask_height = 0;
};
/// `threshold` in (0, 1]; `seen` is the part that the map covers, in a photo of width x height. Nothing
/// where the map points at no place: no value above zero, or one value everywhere. Throws Error.
std::optional<Region> find_region(const Tensor& map, int width, int height, const Rectangle& seen,
                                  double threshold);
/// The mask as a picture: white on black.
Image mask_of(const Region& region);
/// Draws the mask's edge and the box, in lines that suit the photo's size. Throws Error where the mask has
/// another.
void draw_region(Image& photo, const Region& region);

}  // namespace ablaze
