#include "pictures/sheet_header.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "base/text.hpp"
#include "image/drawing.hpp"
#include "pictures/theme.hpp"

namespace ablaze::pictures {

namespace {

std::string percent(double probability) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100 * probability);
  return text.data();
}

/// Draws the photo, dimmed outside the network's crop. Returns its width.
int draw_photo(Image& on, const PixelRectangle& box, const Image& photo, const Rectangle& where) {
  const PixelRectangle size = fit(photo.width(), photo.height(), std::max(box.width, box.height));
  const double shrink = std::min(
      {1.0, static_cast<double>(box.width) / size.width, static_cast<double>(box.height) / size.height});
  const auto scaled = [&](int length) { return std::max(static_cast<int>(length * shrink), 1); };
  const Image small = resize(photo, scaled(size.width), scaled(size.height));
  const double across = static_cast<double>(small.width()) / photo.width();
  const double down = static_cast<double>(small.height()) / photo.height();
  const PixelRectangle seen{static_cast<int>(std::lround(where.x * across)),
                            static_cast<int>(std::lround(where.y * down)),
                            static_cast<int>(std::lround(where.width * across)),
                            static_cast<int>(std::lround(where.height * down))};
  Image dimmed = small;
  image::fill(dimmed, {0, 0, seen.x, small.height()}, kPaper, 0.6);
  image::fill(dimmed, {seen.right(), 0, small.width() - seen.right(), small.height()}, kPaper, 0.6);
  image::fill(dimmed, {seen.x, 0, seen.width, seen.y}, kPaper, 0.6);
  image::fill(dimmed, {seen.x, seen.bottom(), seen.width, small.height() - seen.bottom()}, kPaper, 0.6);
  image::paste(on, dimmed, box.x, box.y);
  return small.width();
}

/// Draws the best classes, each with its score and a bar.
void draw_top(Image& on, const PixelRectangle& box, std::span<const ClassScore> top) {
  const int row = image::line_height(kCaption) + 1;
  const int label = std::min(190, box.width / 2), value = 64;
  int y = box.y;
  for (const ClassScore& score : top) {
    image::draw_text(on, box.x, y + 0.78 * row, image::shortened(label_of(score), kCaption, label - 10),
                     kCaption);
    const int bar_x = box.x + label;
    const int length = box.width - label - value;
    if (!std::isnan(score.probability) && length > 20) {
      image::fill(on, {bar_x, y + 5, length, row - 10}, kTrack);
      image::fill(on, {bar_x, y + 5, static_cast<int>(std::lround(length * score.probability)), row - 10},
                  kQuiet);
    }
    image::draw_right(on, box.right(), y + 0.78 * row, score_text(score), kCaption);
    y += row;
  }
}

/// "256 × 7 × 7"
std::string sizes(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : " × ") + std::to_string(size);
  return text;
}

std::string input_line(const Explanation& e) {
  return base::printable(e.layer_names(), 200) + " (" + sizes(e.layer_shape()) + ") of an input of " +
         sizes({e.input->dim(2), e.input->dim(3)}) + " pixels";
}

}  // namespace

std::string score_text(const ClassScore& score) {
  return std::isnan(score.probability) ? "logit " + image::short_value(score.logit)
                                       : percent(score.probability);
}

std::string label_of(const ClassScore& score) { return base::printable(score.label, 200); }

void draw_header(Image& on, const Image& photo, const Explanation& first, const std::string& title_text) {
  const int most = std::min(220, on.width() / 4);
  const int photo_width = draw_photo(on, {kMargin, kMargin, most, kHeaderHeight}, photo, first.seen);
  const int x = std::max(kMargin + photo_width + 24, kMargin + kLabelWidth);
  const int width = std::min(on.width() - kMargin - x, 560);
  int y = draw_lines(on, x, kMargin - 4, {image::shortened(base::printable(title_text, 400), kTitle, width)},
                     kTitle);
  y = draw_lines(on, x, y, {image::shortened(input_line(first), kCaption, width)}, kCaption);
  draw_top(on, {x, y + 6, width, 0}, first.top);
}

}  // namespace ablaze::pictures
