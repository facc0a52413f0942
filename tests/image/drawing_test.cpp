#include "image/drawing.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "image/pictures.hpp"

using namespace ablaze;
using namespace ablaze::image;

namespace {

constexpr Colour white{255, 255, 255}, black{};

/// The pixels that are not white.
PixelRectangle ink_of(const Image& on) {
  int left = on.width(), right = 0, top = on.height(), bottom = 0;
  for (int y = 0; y < on.height(); ++y) {
    for (int x = 0; x < on.width(); ++x) {
      if (*on.at(x, y) == 255) continue;
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
    }
  }
  return {left, top, right - left, bottom - top};
}

}  // namespace

TEST_CASE("words stand where they are put and are as wide as they say") {
  for (const Face face : {Face::regular, Face::semibold}) {
    for (const double size : {9.0, 16.0, 40.0}) {
      const Type type{size, face, black};
      Image on = sheet(600, 80, white);
      draw_text(on, 20, 60, "Hxg", type);
      const PixelRectangle ink = ink_of(on);
      const double width = text_width("Hxg", type);
      CHECK(ink.x >= 20);
      CHECK(ink.right() <= 20 + width + 1);
      CHECK(ink.width > 0.85 * width - 3);
      CHECK(ink.y >= 60 - size);
      CHECK(ink.bottom() > 60);  // the g extends below the baseline
      CHECK(ink.bottom() <= 60 + 0.35 * size + 1);
    }
  }
}

TEST_CASE("words are centred and set flush right") {
  const Type type{20, Face::regular, black};
  Image on = sheet(300, 40, white);
  draw_centred(on, 100, 100, 30, "HH", type);
  CHECK(std::abs(ink_of(on).x + ink_of(on).right() - 300) <= 2);
  on = sheet(300, 40, white);
  draw_right(on, 250, 30, "H", type);
  CHECK(ink_of(on).right() <= 250);
  CHECK(ink_of(on).right() > 240);
}

TEST_CASE("whatever the bytes are, text is drawn and stays on the picture") {
  const std::string odd[]{
      "", "\xff\xfe", "a\tb\n", "\xe6\xb5\x8b\xe8", "\xf4\x90\x80\x80", std::string(1, '\0'), "\xc3"};
  for (const std::string& text : odd) {
    Image on = sheet(20, 10, white);
    for (const int x : {-1000, -5, 3, 18, 1000}) draw_text(on, x, 8, text, {12, Face::regular, black});
    CHECK(text_width(text, {12}) >= 0);
    CHECK(wrapped(text, {12}, 5, 2).size() <= 2);
  }
}

TEST_CASE("long text is cut with an ellipsis or broken into lines") {
  const Type type{16};
  CHECK(shortened("parachute", type, 500) == "parachute");
  const std::string cut = shortened("a label, as long as some are", type, 100);
  CHECK(cut.ends_with("…"));
  CHECK(text_width(cut, type) <= 100);

  const auto lines = wrapped("a label, as long as some are", type, 100, 5);
  CHECK(lines.size() >= 2);
  for (const auto& line : lines) CHECK(text_width(line, type) <= 100);
  std::string all;
  for (const auto& line : lines) all += (all.empty() ? "" : " ") + line;
  CHECK(all == "a label, as long as some are");
  CHECK(wrapped("a label, as long as some are", type, 100, 1).size() == 1);
  CHECK(wrapped("a label, as long as some are", type, 100, 2).back().ends_with("…"));
  const auto word = wrapped("Donaudampfschifffahrtsgesellschaft", type, 60, 20);  // without spaces
  for (const auto& line : word) CHECK(text_width(line, type) <= 60);
  CHECK(wrapped("", type, 60, 3) == std::vector<std::string>{""});
}

TEST_CASE("numbers are short") {
  CHECK(short_value(0) == "0");
  CHECK(short_value(0.25) == "0.25");
  CHECK(short_value(12.345) == "12.3");
  CHECK(short_value(999.7) == "1000");
  CHECK(short_value(1234) == "1234");
  CHECK(short_value(-0.5) == "−0.5");
  CHECK(short_value(0.000123) == "1.2e-04");
  CHECK(short_value(5e7) == "5.0e+07");
}

TEST_CASE("boxes, frames and pictures are clipped") {
  Image on = sheet(10, 8, white);
  fill(on, {-5, -5, 7, 7}, black);
  CHECK(ink_of(on).right() == 2);
  CHECK(ink_of(on).bottom() == 2);
  on = sheet(10, 8, white);
  frame(on, {2, 1, 6, 5}, black, 1);
  CHECK(*on.at(2, 1) == 0);
  CHECK(*on.at(7, 5) == 0);
  CHECK(*on.at(4, 3) == 255);
  paste(on, Image(4, 4), 8, 6);
  CHECK(*on.at(9, 7) == 0);
  for (const int x : {-20, 20}) {
    paste(on, Image(4, 4), x, x);
    fill(on, {x, x, 3, 3}, black);
    frame(on, {x, x, 1, 1}, black, 9);
  }
}

TEST_CASE("a colour bar runs from low to high") {
  Image on = sheet(40, 60, white);
  colour_bar(on, {2, 10, 5, 41}, ColourMap::bluered);
  const Colour low = colour(ColourMap::bluered, 0), high = colour(ColourMap::bluered, 1);
  CHECK(std::equal(low.begin(), low.end(), on.at(4, 50)));
  CHECK(std::equal(high.begin(), high.end(), on.at(4, 10)));
  colour_bar(on, {5, 2, 30, 4}, ColourMap::grey);
  CHECK(*on.at(5, 3) == 0);
  CHECK(*on.at(34, 3) == 255);
}

TEST_CASE("lines are as thick as they say, and stay on the picture") {
  Image on = sheet(40, 30, white);
  draw_line(on, {5, 10}, {25, 10}, black, 2);
  const PixelRectangle ink = ink_of(on);
  CHECK(ink.y == 9);
  CHECK(ink.height == 2);
  CHECK(ink.x == 4);
  CHECK(ink.right() == 26);
  CHECK(*on.at(15, 9) == 0);

  double covered = 0;  // antialiasing: a slanted line darkens as much as its area
  on = sheet(40, 40, white);
  draw_line(on, {8, 10}, {28, 25}, black, 3);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) covered += (255 - *on.at(x, y)) / 255.0;
  }
  CHECK(covered == doctest::Approx(3 * 25 + 3.14159 * 1.5 * 1.5).epsilon(0.03));

  on = sheet(40, 30, white);
  draw_line(on, {7, 7}, {7, 7}, black, 3);  // a dot
  CHECK(ink_of(on).width == 4);
  const double huge = 1e300, none = std::nan("");
  draw_line(on, {-huge, -50}, {huge, -50}, black, 3);
  draw_line(on, {none, 1}, {5, 5}, black);
  draw_line(on, {-100, -100}, {-50, 300}, black);
  CHECK(ink_of(on).width == 4);
}
