#include "pictures/theme.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "image/colours.hpp"

namespace ablaze::pictures {

Image seen_part(const Image& photo, const Rectangle& where, int width, int height) {
  const auto pixels = [](double length) { return std::max(static_cast<int>(std::lround(length)), 1); };
  Image part(pixels(where.width), pixels(where.height));
  image::paste(part, photo, static_cast<int>(-std::lround(where.x)), static_cast<int>(-std::lround(where.y)));
  return resize(part, width, height);
}

PixelRectangle fit(double width, double height, int side) {
  const double scale = side / std::max(width, height);
  const auto pixels = [&](double length) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, side);
  };
  return {0, 0, pixels(width), pixels(height)};
}

Image map_picture(const Tensor& map, const ValueRange& range, ColourMap colours, int width, int height) {
  const Tensor values = upsample_map(scaled_map(map, range, colours), width, height);
  constexpr int shades = 513;
  const auto table = image::colour_table(colours, shades);
  Image picture(width, height);
  std::uint8_t* pixel = picture.pixels().data();
  for (const float v : values.values()) {
    const auto& colour = table[std::lround(v * (shades - 1))];
    pixel = std::copy(colour.begin(), colour.end(), pixel);
  }
  return picture;
}

int draw_lines(Image& on, int x, int top, const std::vector<std::string>& lines, const image::Type& type) {
  const int height = image::line_height(type);
  for (const std::string& text : lines) {
    image::draw_text(on, x, top + 0.78 * height, text, type);
    top += height;
  }
  return top;
}

Image titled(const std::string& title_text, const std::string& below, int width, int height) {
  const auto lines = image::wrapped(below, kCaption, width, 2);
  const int head =
      image::line_height(kTitle) + static_cast<int>(lines.size()) * image::line_height(kCaption) + kGap;
  Image on = image::sheet(width + 2 * kMargin, height + head + 2 * kMargin, kPaper);
  const int y = draw_lines(on, kMargin, kMargin - 6, {image::shortened(title_text, kTitle, width)}, kTitle);
  draw_lines(on, kMargin, y, lines, kCaption);
  return on;
}

int top_of(const Image& titled_sheet, int height) { return titled_sheet.height() - kMargin - height; }

std::string class_name(const ClassScore& target) { return base::printable(target.label, 60); }

std::string signed_value(double value) { return (value > 0 ? "+" : "") + image::short_value(value); }

void upright_scale(Image& on, const PixelRectangle& box, const ValueRange& range, ColourMap colours) {
  image::colour_bar(on, box, colours);
  image::frame(on, {box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kLine);
  const double x = box.right() + 9, half_digit = 0.36 * kCaption.size;
  const auto tick = [&](double value, double y) {
    image::fill(on, {box.right(), static_cast<int>(std::lround(y)), 4, 1}, kQuiet);
    image::draw_text(on, x, y + half_digit, image::short_value(value), kCaption);
  };
  tick(range.high, box.y);
  tick((range.low + range.high) / 2, box.y + (box.height - 1) / 2.0);
  tick(range.low, box.bottom() - 1);
}

}  // namespace ablaze::pictures
