#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ablaze/pictures.hpp>

#include "cam/maps.hpp"
#include "image/drawing.hpp"
#include "pictures/theme.hpp"

namespace ablaze {

namespace {

/// Whether an explanation shows nothing, or almost nothing, on this range.
bool shows_nothing(const Explanation& e, const ValueRange& range, const MapStyle& style) {
  const bool diverges = is_diverging(style.colours);
  const ValueRange own = range_of(drawn_map(e, style), ColourMap::grey);
  if (!(range.high > range.low) || (!diverges && cam::speaks_against_alone(e.signed_map))) return true;
  return own.low == own.high && (diverges ? own.high == 0 : own.high <= range.low);
}

/// Draws a band with the note along the lower edge, if it fits.
void draw_note(Image& on, const std::string& text) {
  constexpr image::Colour band{0, 0, 0}, words{255, 255, 255};
  constexpr int smallest_picture = 120, max_lines = 3;
  if (on.width() < smallest_picture || on.height() < smallest_picture) return;
  const image::Type type{std::clamp(on.width() / 30.0, 11.0, 26.0), image::Face::regular, words};
  const int space = static_cast<int>(type.size * 0.7);
  const auto lines = image::wrapped(text, type, on.width() - 2 * space, max_lines);
  const int height = static_cast<int>(lines.size()) * image::line_height(type) + space;
  image::fill(on, {0, on.height() - height, on.width(), height}, band, 0.7);
  pictures::draw_lines(on, space, on.height() - height + space / 2, lines, type);
}

/// The largest range of each method, in the common unit of its classes.
std::map<std::string, double> largest_values(std::span<const Explanation> explanations,
                                             const MapStyle& style) {
  std::map<std::string, double> largest;
  for (const Explanation& e : explanations) {
    const ValueRange own = range_of(drawn_map(e, style), style.colours);
    double& of_method = largest[e.method];
    of_method = std::max(of_method, own.high * e.divisor);
  }
  return largest;
}

}  // namespace

const Tensor& drawn_map(const Explanation& explanation, const MapStyle& style) {
  return is_diverging(style.colours) ? explanation.signed_map : explanation.map;
}

std::vector<ValueRange> drawn_ranges(std::span<const Explanation> explanations, const MapStyle& style) {
  std::vector<ValueRange> ranges;
  if (!style.shared_scale) {
    for (const Explanation& e : explanations) ranges.push_back(range_of(drawn_map(e, style), style.colours));
    return ranges;
  }
  const auto largest = largest_values(explanations, style);
  for (const Explanation& e : explanations) {
    const double high = largest.at(e.method) / e.divisor;
    ranges.push_back({is_diverging(style.colours) ? -high : 0, high});
  }
  return ranges;
}

Image pictures::map_over_photo(const Image& photo, const Rectangle& where, const Explanation& explanation,
                               const ValueRange& range, const MapStyle& style) {
  Image picture = overlay(photo, drawn_map(explanation, style), where, {style.colours, style.opacity, range});
  if (!style.box) return picture;
  const auto region = find_region(explanation.map, photo.width(), photo.height(), where, *style.box);
  if (region) draw_region(picture, *region);
  return picture;
}

Image explanation_picture(const Image& photo, const Explanation& explanation, const ValueRange& range,
                          const MapStyle& style) {
  Image picture = pictures::map_over_photo(photo, explanation.seen, explanation, range, style);
  if (shows_nothing(explanation, range, style) && !explanation.note.empty())
    draw_note(picture, explanation.note);
  return picture;
}

}  // namespace ablaze
