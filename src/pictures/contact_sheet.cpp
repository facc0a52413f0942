#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/pictures.hpp>

#include "image/drawing.hpp"
#include "pictures/sheet_header.hpp"
#include "pictures/theme.hpp"

namespace ablaze {

namespace {

using namespace pictures;

constexpr int kScaleWidth = 84;  // of the colour bar and its numbers at the end of a row
constexpr int kNarrowest = 720;  // of the sheet: the header needs this width
constexpr int kNoteLines = 4;

/// The row and column of each explanation, and all sizes.
struct Grid {
  std::vector<std::vector<std::size_t>> rows;  ///< indices of explanations
  int columns = 0, left_out = 0;
  int cell_width = 0, cell_height = 0;
  int head_lines = 1;             ///< of the classes' names
  std::vector<int> caption_rows;  ///< lines below each row's cells

  int x(std::size_t column) const {
    return kMargin + kLabelWidth + static_cast<int>(column) * (cell_width + kGap);
  }
  int row_height(std::size_t row) const {
    return cell_height + caption_rows[row] * image::line_height(kCaption) + 6 + kGap;
  }
};

/// The factor for displayed map values: on a shared scale, all have the same unit.
double display_unit(const Explanation& e, const MapStyle& style) {
  return style.shared_scale ? e.divisor : 1;
}

/// "−0.2 to 4.66": a map's range; empty if it shows nothing, as its note says.
std::string reach_of(const Explanation& e, const MapStyle& style) {
  const ValueRange own = range_of(drawn_map(e, style), ColourMap::grey);
  if (own.low == own.high && !e.note.empty()) return {};
  const double unit = display_unit(e, style);
  const std::string high = image::short_value(own.high * unit);
  if (!is_diverging(style.colours) && own.low == 0) return "up to " + high;
  return image::short_value(own.low * unit) + " to " + high;
}

std::vector<std::string> note_of(const Explanation& e, int width) {
  if (e.note.empty()) return {};
  return image::wrapped(e.note, kNote, width, kNoteLines);
}

/// Lines below a cell.
std::size_t caption_lines(const Explanation& e, const MapStyle& style, int width) {
  return (reach_of(e, style).empty() ? 0 : 1) + note_of(e, width).size();
}

int cell_side(int columns) { return std::clamp(1500 / std::max(columns, 1), 120, 240); }

Grid grid_of(std::span<const Explanation> all, const Rectangle& where, const MapStyle& style) {
  Grid grid;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || all[i].method != all[i - 1].method) grid.rows.emplace_back();
    grid.rows.back().push_back(i);
  }
  const auto classes = static_cast<int>(grid.rows.front().size());
  grid.columns = std::min(classes, kMostSheetClasses);
  grid.left_out = classes - grid.columns;
  for (auto& row : grid.rows)
    row.resize(std::min<std::size_t>(row.size(), static_cast<std::size_t>(grid.columns)));
  const PixelRectangle cell = fit(where.width, where.height, cell_side(grid.columns));
  // A column is at least as wide as its text.
  grid.cell_width = std::max(cell.width, 120);
  grid.cell_height = cell.height;
  for (const auto& row : grid.rows) {
    std::size_t lines = 1;
    for (const std::size_t i : row) lines = std::max(lines, caption_lines(all[i], style, grid.cell_width));
    grid.caption_rows.push_back(static_cast<int>(lines));
  }
  for (const std::size_t i : grid.rows.front()) {
    const auto lines = image::wrapped(label_of(all[i].target), kHeading, grid.cell_width, 2);
    grid.head_lines = std::max(grid.head_lines, static_cast<int>(lines.size()));
  }
  return grid;
}

void draw_column_heads(Image& on, const Grid& grid, std::span<const Explanation> all, int top) {
  for (std::size_t c = 0; c < grid.rows.front().size(); ++c) {
    const ClassScore& target = all[grid.rows.front()[c]].target;
    const auto lines = image::wrapped(label_of(target), kHeading, grid.cell_width, 2);
    const int rows = grid.head_lines - static_cast<int>(lines.size());
    const int y = draw_lines(on, grid.x(c), top + rows * image::line_height(kHeading), lines, kHeading);
    draw_lines(on, grid.x(c), y, {score_text(target)}, kCaption);
  }
}

std::string method_name(const std::string& id) {
  for (const MethodInfo& method : methods()) {
    if (method.id == id) return method.name;
  }
  return id;
}

void draw_row_label(Image& on, const Explanation& e, int top) {
  const auto lines = image::wrapped(method_name(e.method), kHeading, kLabelWidth - kGap, 3);
  const int y = draw_lines(on, kMargin, top, lines, kHeading);
  draw_lines(on, kMargin, y, {e.method}, kCaption);
}

/// The legend below the grid: the meaning of the colours.
std::string scale_text(const MapStyle& style) {
  if (style.shared_scale)
    return is_diverging(style.colours)
               ? "Each row has one scale: blue is evidence against the class, red for it."
               : "Each row has one scale.";
  return is_diverging(style.colours) ? "Each map has its own scale, symmetric about zero: blue is evidence "
                                       "against the class, red for it."
                                     : "Each map has its own scale, from its least to its largest value.";
}

class Sheet {
 public:
  Sheet(const Image& photo, std::span<const Explanation> all, const MapStyle& style)
      : photo_(photo),
        seen_(all.front().seen),
        all_(all),
        style_(style),
        ranges_(drawn_ranges(all, style)),
        grid_(grid_of(all, seen_, style)) {}

  Image draw(const std::string& title_text) {
    const int grid_top = kMargin + kHeaderHeight + 2 * kGap;
    const int heads = grid_.head_lines * image::line_height(kHeading) + image::line_height(kCaption) + 6;
    int height = grid_top + heads;
    for (std::size_t r = 0; r < grid_.rows.size(); ++r) height += grid_.row_height(r);
    const int width = std::max(grid_.x(static_cast<std::size_t>(grid_.columns)) - kGap + kMargin +
                                   (style_.shared_scale ? kScaleWidth : 0),
                               kNarrowest);
    Image on = image::sheet(width, height + foot_height() + kMargin, kPaper);
    draw_header(on, photo_, all_.front(), title_text);
    image::fill(on, {kMargin, grid_top - kGap, width - 2 * kMargin, 1}, kLine);
    draw_column_heads(on, grid_, all_, grid_top);
    const Image seen = seen_part(photo_, seen_, picture_width(), grid_.cell_height);
    int top = grid_top + heads;
    for (std::size_t r = 0; r < grid_.rows.size(); ++r) {
      draw_row(on, seen, r, top);
      top += grid_.row_height(r);
    }
    draw_foot(on, top);
    return on;
  }

 private:
  int picture_width() const {
    return std::min(grid_.cell_width, fit(seen_.width, seen_.height, cell_side(grid_.columns)).width);
  }

  void draw_row(Image& on, const Image& seen, std::size_t row, int top) const {
    draw_row_label(on, all_[grid_.rows[row].front()], top);
    const Rectangle whole{0, 0, static_cast<double>(seen.width()), static_cast<double>(seen.height())};
    for (std::size_t c = 0; c < grid_.rows[row].size(); ++c) {
      const std::size_t i = grid_.rows[row][c];
      image::paste(on, map_over_photo(seen, whole, all_[i], ranges_[i], style_), grid_.x(c), top);
      draw_caption(on, all_[i], grid_.x(c), top + grid_.cell_height + 4);
    }
    if (style_.shared_scale) draw_row_scale(on, row, top);
  }

  void draw_caption(Image& on, const Explanation& e, int x, int top) const {
    const std::string reach = reach_of(e, style_);
    if (!reach.empty()) top = draw_lines(on, x, top, {reach}, kCaption);
    draw_lines(on, x, top, note_of(e, grid_.cell_width), kNote);
  }

  void draw_row_scale(Image& on, std::size_t row, int top) const {
    const std::size_t i = grid_.rows[row].front();
    const ValueRange range{ranges_[i].low * all_[i].divisor, ranges_[i].high * all_[i].divisor};
    const int x = grid_.x(static_cast<std::size_t>(grid_.columns));
    upright_scale(on, {x, top + 4, 14, std::max(grid_.cell_height - 8, 40)}, range, style_.colours);
  }

  int foot_height() const { return kGap + image::line_height(kCaption) * (grid_.left_out > 0 ? 3 : 1); }

  void draw_foot(Image& on, int top) const {
    image::fill(on, {kMargin, top, on.width() - 2 * kMargin, 1}, kLine);
    top += kGap;
    int x = kMargin;
    if (!style_.shared_scale) {
      const bool diverges = is_diverging(style_.colours);
      const std::string low = diverges ? "−max" : "least", high = diverges ? "+max" : "largest";
      const double baseline = top + 12;
      image::draw_text(on, x, baseline, low, kCaption);
      x += static_cast<int>(image::text_width(low, kCaption)) + 8;
      image::colour_bar(on, {x, top + 1, 160, 13}, style_.colours);
      image::frame(on, {x - 1, top, 162, 15}, kLine);
      if (diverges) image::fill(on, {x + 80, top + 1, 1, 13}, kQuiet);
      image::draw_text(on, x + 168, baseline, high, kCaption);
      x += 168 + static_cast<int>(image::text_width(high, kCaption)) + 20;
    }
    const int width = on.width() - kMargin - x;
    auto lines = image::wrapped(scale_text(style_), kCaption, width, 2);
    if (grid_.left_out > 0)
      lines.push_back("The sheet has the first " + std::to_string(grid_.columns) + " classes; " +
                      std::to_string(grid_.left_out) + " more were explained.");
    draw_lines(on, x, top - 1, lines, kCaption);
  }

  const Image& photo_;
  const Rectangle& seen_;
  std::span<const Explanation> all_;
  const MapStyle& style_;
  std::vector<ValueRange> ranges_;
  Grid grid_;
};

}  // namespace

Image contact_sheet(const Image& photo, std::span<const Explanation> explanations, const MapStyle& style,
                    const std::string& title_text) {
  if (explanations.empty()) throw Error("a contact sheet needs an explanation");
  if (photo.empty()) throw Error("a contact sheet needs a photo");
  return Sheet(photo, explanations, style).draw(title_text);
}

}  // namespace ablaze
