#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/image.hpp>

#include "image/font.hpp"

// Drawing on a picture. Everything is clipped to it, so that no call can fail for its place.

namespace ablaze::image {

using Colour = std::array<std::uint8_t, 3>;

/// Whole pixels.
struct Box {
  int x = 0, y = 0, width = 0, height = 0;
  int right() const { return x + width; }
  int bottom() const { return y + height; }
};

/// A picture of one colour. Throws Error for a size that no Image may have.
Image sheet(int width, int height, Colour colour);

void fill(Image& on, const Box& box, Colour colour, double opacity = 1);
/// Lines of this thickness along a box's edges, inside it.
void frame(Image& on, const Box& box, Colour colour, int thickness = 1);
void paste(Image& on, const Image& part, int x, int y);

/// A place on the picture; (0, 0) is the upper left corner of the first pixel, whose middle is (0.5, 0.5).
struct Point {
  double x = 0, y = 0;
};
/// A straight line with round ends, smooth at its edges. Draws nothing where a number is not finite.
void draw_line(Image& on, Point from, Point to, Colour colour, double thickness = 1.5);

/// How words look.
struct Type {
  double size = 16;  ///< of the em, in pixels
  Face face = Face::regular;
  Colour colour{};
};

/// From one line's baseline to the next.
int line_height(const Type& type);
double text_width(std::string_view text, const Type& type);
/// UTF-8; what is none, and control characters, become U+FFFD. Letters that the font lacks become a box.
void draw_text(Image& on, double x, double baseline, std::string_view text, const Type& type);
/// The same in the middle of [x, x + width], or at its right end.
void draw_centred(Image& on, double x, double width, double baseline, std::string_view text,
                  const Type& type);
void draw_right(Image& on, double right, double baseline, std::string_view text, const Type& type);

/// The text, or as much of its beginning as fits with an ellipsis.
std::string shortened(std::string_view text, const Type& type, double width);
/// The text in lines no wider than `width`, broken at spaces where there are any; what does not fit into
/// `most_lines` is cut with an ellipsis. At least one line.
std::vector<std::string> wrapped(std::string_view text, const Type& type, double width, int most_lines);

/// Three digits of a number: "0", "0.42", "1.25", "340", "1.3e-05"; a true minus sign.
std::string short_value(double value);

/// A map's colours from low to high, upwards or (where the box is wider than high) to the right.
void colour_bar(Image& on, const Box& box, ColourMap colours);

}  // namespace ablaze::image
