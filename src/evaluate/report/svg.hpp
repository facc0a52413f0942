#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ablaze::evaluate {

/// An SVG drawing of lines, rectangles and text, in pixels from the upper left corner, on white.
class Svg {
 public:
  enum class Anchor { start, middle, end };
  struct Line {
    std::string_view colour;
    double width = 1;
    std::string_view dashes{};  ///< SVG's stroke-dasharray; empty: solid
  };

  Svg(double width, double height);
  void line(double x1, double y1, double x2, double y2, const Line& how);
  void polyline(const std::vector<std::pair<double, double>>& points, const Line& how);
  void rectangle(double x, double y, double width, double height, std::string_view colour);
  void text(double x, double y, std::string_view words, Anchor anchor, double size, bool bold = false);
  std::string finish() &&;

 private:
  std::string out_;
};

}  // namespace ablaze::evaluate
