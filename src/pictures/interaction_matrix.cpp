#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/pictures.hpp>

#include "base/text.hpp"
#include "image/drawing.hpp"
#include "pictures/theme.hpp"

// The image of --interactions: I(i, j) of each pair of the strongest channels.

namespace ablaze {

namespace {

using namespace pictures;

constexpr int kMatrixSide = 480;
constexpr int kSmallestNamed = 15;       // from this height a row has its channel's number on its left
constexpr int kSmallestNamedAbove = 30;  // from this width a column has it above
constexpr int kNamesRoom = 46, kScaleRoom = 84, kWordsRoom = 210;

void check(const Interactions& found) {
  if (found.channels.empty())
    throw Error("no interactions to draw: explain with MethodOptions::interactions");
  const auto fits = [&](const std::vector<double>& row) {
    return row.size() == found.channels.size() &&
           std::ranges::all_of(row, [](double v) { return std::isfinite(v); });
  };
  if (found.matrix.size() != found.channels.size() || !std::ranges::all_of(found.matrix, fits))
    throw Error("interactions of " + std::to_string(found.channels.size()) +
                " channels need a matrix of as many rows and columns, with finite values");
}

/// Symmetric around zero; ignores the diagonal, which has drops instead of interactions.
ValueRange range_of(const Interactions& found) {
  double largest = 0;
  for (std::size_t i = 0; i < found.matrix.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) largest = std::max(largest, std::abs(found.matrix[i][j]));
  }
  return {-largest, largest};
}

image::Colour colour_of(double value, const ValueRange& range) {
  const double share = range.high > 0 ? (value / range.high + 1) / 2 : 0.5;
  return colour(ColourMap::bluered, static_cast<float>(share));
}

/// Draws the squares, `side` pixels each, the first at x, y.
void draw_squares(Image& on, const Interactions& found, const ValueRange& range, int x, int y, int side) {
  const int space = side >= 8 ? 1 : 0;
  const auto count = static_cast<int>(found.channels.size());
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) {
      const double value = found.matrix[i][j];
      image::fill(on, {x + j * side, y + i * side, side - space, side - space},
                  i == j ? kTrack : colour_of(value, range));
    }
  }
}

void draw_numbers(Image& on, const Interactions& found, int x, int y, int side) {
  for (std::size_t i = 0; i < found.channels.size(); ++i) {
    const std::string number = std::to_string(found.channels[i]);
    const int at = static_cast<int>(i) * side;
    if (side >= kSmallestNamed)
      image::draw_right(on, x - 6, y + at + side / 2.0 + 0.36 * kCaption.size, number, kCaption);
    if (side >= kSmallestNamedAbove) image::draw_centred(on, x + at, side, y - 6, number, kCaption);
  }
}

/// A heading and the pairs below it. Returns the y of the next line.
int draw_pairs(Image& on, int x, int y, const std::string& words, const image::Type& type,
               std::span<const Interactions::Pair> pairs) {
  y = draw_lines(on, x, y, {words}, type);
  if (pairs.empty()) return draw_lines(on, x, y, {"none"}, kCaption);
  for (const auto& pair : pairs) {
    const double baseline = y + 0.78 * image::line_height(kBody);
    image::draw_text(on, x, baseline, std::to_string(pair.first) + " and " + std::to_string(pair.second),
                     kBody);
    image::draw_right(on, x + kWordsRoom - 30, baseline, signed_value(pair.value), kCaption);
    y += image::line_height(kBody);
  }
  return y;
}

void draw_words(Image& on, const Interactions& found, int x, int y) {
  image::Type redundant = kHeading, synergistic = kHeading;
  redundant.colour = kNegative;
  synergistic.colour = kPositive;
  y = draw_pairs(on, x, y, "redundant pairs", redundant, found.redundant);
  draw_pairs(on, x, y + kGap, "synergistic pairs", synergistic, found.synergistic);
}

/// The height of the text beside the matrix.
int words_height(const Interactions& found) {
  const auto lines = [](const auto& pairs) {
    return static_cast<int>(std::max<std::size_t>(pairs.size(), 1));
  };
  return 2 * image::line_height(kHeading) + kGap +
         (lines(found.redundant) + lines(found.synergistic)) * image::line_height(kBody);
}

}  // namespace

Image interaction_matrix(const std::string& layer, const ClassScore& target, const Interactions& found) {
  check(found);
  const auto count = static_cast<int>(found.channels.size());
  const int side = std::clamp(kMatrixSide / count, 2, 40), squares = count * side;
  const int names_above = side >= kSmallestNamedAbove ? image::line_height(kCaption) : 0;
  const int height = std::max({squares + names_above, words_height(found), 160});
  Image on = titled("Interactions of " + std::to_string(count) + " channels of " + base::printable(layer, 60),
                    "Drop of the score of " + class_name(target) +
                        " without channel i, plus the drop without j, minus the drop without both; strongest "
                        "channels first",
                    kNamesRoom + squares + kScaleRoom + kWordsRoom, height);
  const ValueRange range = range_of(found);
  const int x = kMargin + kNamesRoom, y = top_of(on, height) + names_above;
  draw_squares(on, found, range, x, y, side);
  draw_numbers(on, found, x, y, side);
  const int right = x + squares + kGap;
  upright_scale(on, {right, y, 12, std::clamp(squares, 120, 240)}, range, ColourMap::bluered);
  draw_words(on, found, right + kScaleRoom, y - 4);
  return on;
}

}  // namespace ablaze
