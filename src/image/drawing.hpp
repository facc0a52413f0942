#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/image.hpp>

#include "image/font.hpp"

// Drawing on an image. All functions clip to it, so no position is an error.

namespace ablaze::image {

using Colour = std::array<std::uint8_t, 3>;

/// An image of one colour. Throws Error for an invalid image size.
Image sheet(int width, int height, Colour colour);

void fill(Image& on, const PixelRectangle& box, Colour colour, double opacity = 1);
/// Lines of this thickness along the inside of a box's edges.
void frame(Image& on, const PixelRectangle& box, Colour colour, int thickness = 1);
void paste(Image& on, const Image& part, int x, int y);

/// A point of the image; (0, 0) is the upper left corner of the first pixel, (0.5, 0.5) its centre.
struct Point {
  double x = 0, y = 0;
};
/// A straight antialiased line with round ends. Draws nothing if a number is not finite.
void draw_line(Image& on, Point from, Point to, Colour colour, double thickness = 1.5);

/// A text style.
struct Type {
  double size = 16;  ///< of the em, in pixels
  Face face = Face::regular;
  Colour colour{};
};

/// The distance from one line's baseline to the next.
int line_height(const Type& type);
double text_width(std::string_view text, const Type& type);
/// UTF-8; invalid bytes and control characters become U+FFFD. Characters that the font lacks become a box.
void draw_text(Image& on, double x, double baseline, std::string_view text, const Type& type);
/// The same, centred in [x, x + width], or right-aligned in it.
void draw_centred(Image& on, double x, double width, double baseline, std::string_view text,
                  const Type& type);
void draw_right(Image& on, double right, double baseline, std::string_view text, const Type& type);

/// The text, or its longest beginning that fits with an ellipsis.
std::string shortened(std::string_view text, const Type& type, double width);
/// Breaks the text at spaces, where possible, into lines no wider than `width`; shortens it to `most_lines`
/// with an ellipsis. At least one line.
std::vector<std::string> wrapped(std::string_view text, const Type& type, double width, int most_lines);

/// A number with three digits: "0", "0.42", "1.25", "340", "1.3e-05"; with a true minus sign.
std::string short_value(double value);

/// A map's colours from low to high, upwards or (if the box is wider than high) to the right.
void colour_bar(Image& on, const PixelRectangle& box, ColourMap colours);

}  // namespace ablaze::image
