#include "evaluate/report/svg.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace ablaze::evaluate {
namespace {

/// Two decimals are finer than visible. Values that are not finite become 0, because SVG requires a number.
std::string number(double value) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.2f", std::isfinite(value) ? value : 0);
  std::string out = text.data();
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

std::string attribute(std::string_view name, const std::string& value) {
  return " " + std::string(name) + "=\"" + value + "\"";
}

std::string attribute(std::string_view name, double value) { return attribute(name, number(value)); }

/// XML allows no control characters, not even escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string stroke(const Svg::Line& how) {
  std::string out = attribute("stroke", std::string(how.colour)) + attribute("stroke-width", how.width);
  if (!how.dashes.empty()) out += attribute("stroke-dasharray", std::string(how.dashes));
  return out;
}

const char* anchor_name(Svg::Anchor anchor) {
  switch (anchor) {
    case Svg::Anchor::middle:
      return "middle";
    case Svg::Anchor::end:
      return "end";
    default:
      return "start";
  }
}

}  // namespace

Svg::Svg(double width, double height) {
  out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", width) +
         attribute("height", height) + attribute("viewBox", "0 0 " + number(width) + " " + number(height)) +
         " font-family=\"Inter, Helvetica, Arial, sans-serif\" fill=\"#222222\">\n";
  rectangle(0, 0, width, height, "#ffffff");
}

void Svg::line(double x1, double y1, double x2, double y2, const Line& how) {
  out_ += "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) +
          stroke(how) + "/>\n";
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, const Line& how) {
  std::string list;
  for (const auto& [x, y] : points) list += (list.empty() ? "" : " ") + number(x) + "," + number(y);
  out_ += "<polyline" + attribute("points", list) + attribute("fill", std::string("none")) +
          attribute("stroke-linejoin", std::string("round")) + stroke(how) + "/>\n";
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view colour) {
  out_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) +
          attribute("height", height) + attribute("fill", std::string(colour)) + "/>\n";
}

void Svg::text(double x, double y, std::string_view words, Anchor anchor, double size, bool bold) {
  out_ += "<text" + attribute("x", x) + attribute("y", y) + attribute("font-size", size);
  if (anchor != Anchor::start) out_ += attribute("text-anchor", std::string(anchor_name(anchor)));
  if (bold) out_ += attribute("font-weight", std::string("600"));
  out_ += ">" + escaped(words) + "</text>\n";
}

std::string Svg::finish() && {
  out_ += "</svg>\n";
  return std::move(out_);
}

}  // namespace ablaze::evaluate
