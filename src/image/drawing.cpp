#include "image/drawing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "image/colours.hpp"
#include "image/pixel.hpp"

namespace ablaze::image {

namespace {

/// The part of a box inside the image.
PixelRectangle clipped(const Image& on, const PixelRectangle& box) {
  const int x = std::clamp(box.x, 0, on.width()), y = std::clamp(box.y, 0, on.height());
  return {x, y, std::clamp(box.right(), x, on.width()) - x, std::clamp(box.bottom(), y, on.height()) - y};
}

void blend(std::uint8_t* pixel, Colour colour, float share) {
  for (std::size_t c = 0; c < 3; ++c) {
    const auto under = static_cast<float>(pixel[c]);
    pixel[c] = to_byte(under + (static_cast<float>(colour[c]) - under) * share);
  }
}

void draw_glyph(Image& on, const Font::Glyph& glyph, int x, int baseline, Colour colour) {
  const PixelRectangle place{x + glyph.left, baseline + glyph.top, glyph.width, glyph.height};
  const PixelRectangle seen = clipped(on, place);
  for (int row = seen.y; row < seen.bottom(); ++row) {
    const std::uint8_t* coverage =
        glyph.coverage.data() + std::ptrdiff_t{row - place.y} * place.width + (seen.x - place.x);
    for (int column = seen.x; column < seen.right(); ++column, ++coverage) {
      if (*coverage > 0) blend(on.at(column, row), colour, static_cast<float>(*coverage) / 255.0F);
    }
  }
}

double distance_to_segment(Point p, Point from, Point to) {
  const double across = to.x - from.x, down = to.y - from.y, squared = across * across + down * down;
  const double along =
      squared > 0 ? std::clamp(((p.x - from.x) * across + (p.y - from.y) * down) / squared, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - from.x - along * across, p.y - from.y - along * down);
}

/// The pixels between two coordinates, extended by `reach` and clipped to an image of this length.
std::pair<int, int> pixels_between(double a, double b, double reach, int length) {
  const double most = length;
  return {static_cast<int>(std::clamp(std::floor(std::min(a, b) - reach), 0.0, most)),
          static_cast<int>(std::clamp(std::ceil(std::max(a, b) + reach), 0.0, most))};
}

constexpr char32_t kUnknown = 0xFFFD;

/// The length of a UTF-8 sequence with this first byte; 0 for a byte that starts none.
std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/// Removes the first character from the text and returns it.
char32_t next_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = sequence_length(first);
  constexpr std::array<unsigned, 5> mask{0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t character = first & mask[length];
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    if ((next & 0xC0U) != 0x80U) {
      text.remove_prefix(1);
      return kUnknown;
    }
    character = character << 6U | (next & 0x3FU);
  }
  text.remove_prefix(std::max<std::size_t>(length, 1));
  const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
  return length == 0 || control ? kUnknown : character;
}

std::u32string characters_of(std::string_view text) {
  std::u32string out;
  while (!text.empty()) out += next_character(text);
  return out;
}

/// Calls `draw(character, x)` for each character and returns the x of the next.
template <typename Draw>
double set(std::string_view text, const Font& font, double x, const Draw& draw) {
  const std::u32string characters = characters_of(text);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i > 0) x += font.kerning(characters[i - 1], characters[i]);
    draw(characters[i], x);
    x += font.advance(characters[i]);
  }
  return x;
}

/// The number of bytes of the text's first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::string_view rest = text;
  for (std::size_t i = 0; i < count && !rest.empty(); ++i) next_character(rest);
  return text.size() - rest.size();
}

/// The number of characters of the text's longest beginning that fits with `tail` after it.
std::size_t fitting(std::string_view text, std::string_view tail, const Type& type, double width) {
  std::size_t fits = 0, fails = characters_of(text).size() + 1;
  while (fits + 1 < fails) {
    const std::size_t middle = fits + (fails - fits) / 2;
    const std::string tried = std::string(text.substr(0, bytes_of(text, middle))) + std::string(tail);
    (text_width(tried, type) <= width ? fits : fails) = middle;
  }
  return fits;
}

std::string_view without_spaces_around(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The number of bytes for one line: up to a space if one fits, at least one character.
std::size_t line_break(std::string_view text, const Type& type, double width) {
  const std::size_t fits = bytes_of(text, std::max<std::size_t>(fitting(text, "", type, width), 1));
  if (fits == text.size()) return fits;
  const auto space = text.rfind(' ', fits);
  return space == std::string_view::npos || space == 0 ? fits : space;
}

}  // namespace

Image sheet(int width, int height, Colour colour) {
  Image image(width, height);
  fill(image, {0, 0, width, height}, colour);
  return image;
}

void fill(Image& on, const PixelRectangle& box, Colour colour, double opacity) {
  const PixelRectangle seen = clipped(on, box);
  for (int y = seen.y; y < seen.bottom(); ++y) {
    for (int x = seen.x; x < seen.right(); ++x) blend(on.at(x, y), colour, static_cast<float>(opacity));
  }
}

void frame(Image& on, const PixelRectangle& box, Colour colour, int thickness) {
  const int across = std::min(thickness, box.width), down = std::min(thickness, box.height);
  fill(on, {box.x, box.y, box.width, down}, colour);
  fill(on, {box.x, box.bottom() - down, box.width, down}, colour);
  fill(on, {box.x, box.y, across, box.height}, colour);
  fill(on, {box.right() - across, box.y, across, box.height}, colour);
}

void paste(Image& on, const Image& part, int x, int y) {
  const PixelRectangle seen = clipped(on, {x, y, part.width(), part.height()});
  for (int row = seen.y; row < seen.bottom() && seen.width > 0; ++row) {
    std::copy_n(part.at(seen.x - x, row - y), std::ptrdiff_t{3} * seen.width, on.at(seen.x, row));
  }
}

void draw_line(Image& on, Point from, Point to, Colour colour, double thickness) {
  for (const double number : {from.x, from.y, to.x, to.y, thickness}) {
    if (!std::isfinite(number)) return;
  }
  const double reach = thickness / 2 + 0.5;  // covers pixels up to half their width outside
  const auto [left, right] = pixels_between(from.x, to.x, reach, on.width());
  const auto [top, bottom] = pixels_between(from.y, to.y, reach, on.height());
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const double inside = reach - distance_to_segment({x + 0.5, y + 0.5}, from, to);
      if (inside > 0) blend(on.at(x, y), colour, static_cast<float>(std::min(inside, 1.0)));
    }
  }
}

int line_height(const Type& type) { return static_cast<int>(std::lround(type.size * 1.35)); }

double text_width(std::string_view text, const Type& type) {
  return set(text, Font(type.face, type.size), 0, [](char32_t, double) {});
}

void draw_text(Image& on, double x, double baseline, std::string_view text, const Type& type) {
  const Font font(type.face, type.size);
  set(text, font, x, [&](char32_t character, double at) {
    const double pixel = std::floor(at);
    draw_glyph(on, font.glyph(character, at - pixel), static_cast<int>(pixel),
               static_cast<int>(std::lround(baseline)), type.colour);
  });
}

void draw_centred(Image& on, double x, double width, double baseline, std::string_view text,
                  const Type& type) {
  draw_text(on, x + (width - text_width(text, type)) / 2, baseline, text, type);
}

void draw_right(Image& on, double right, double baseline, std::string_view text, const Type& type) {
  draw_text(on, right - text_width(text, type), baseline, text, type);
}

std::string shortened(std::string_view text, const Type& type, double width) {
  if (text_width(text, type) <= width) return std::string(text);
  const auto kept = text.substr(0, bytes_of(text, fitting(text, "…", type, width)));
  return std::string(without_spaces_around(kept)) + "…";
}

std::vector<std::string> wrapped(std::string_view text, const Type& type, double width, int most_lines) {
  std::vector<std::string> lines;
  std::string_view rest = without_spaces_around(text);
  while (!rest.empty() && static_cast<int>(lines.size()) + 1 < most_lines) {
    const std::size_t end = line_break(rest, type, width);
    lines.emplace_back(without_spaces_around(rest.substr(0, end)));
    rest = without_spaces_around(rest.substr(end));
  }
  if (!rest.empty() || lines.empty()) lines.push_back(shortened(rest, type, width));
  return lines;
}

std::string short_value(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  std::array<char, 32> digits{};
  const char* const format = size >= 1e-3 && size < 1e4 ? "%.3g" : "%.1e";
  // With three digits, %g would print four-digit numbers as 1e+03.
  if (size >= 999.5 && size < 1e4) {
    std::snprintf(digits.data(), digits.size(), "%.0f", size);
  } else {
    std::snprintf(digits.data(), digits.size(), format, size);
  }
  return (value < 0 ? "−" : "") + std::string(digits.data());
}

void colour_bar(Image& on, const PixelRectangle& box, ColourMap colours) {
  const bool upwards = box.height > box.width;
  const int length = upwards ? box.height : box.width;
  if (length < 2 || box.width < 1 || box.height < 1) return;
  const auto table = colour_table(colours, length);
  for (int i = 0; i < length; ++i) {
    const PixelRectangle line = upwards ? PixelRectangle{box.x, box.bottom() - 1 - i, box.width, 1}
                                        : PixelRectangle{box.x + i, box.y, 1, box.height};
    fill(on, line, table[i]);
  }
}

}  // namespace ablaze::image
