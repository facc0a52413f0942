#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/pictures.hpp>

#include "base/text.hpp"
#include "image/drawing.hpp"
#include "pictures/theme.hpp"

// The image of --paths: the score's drop along each channel's path, r_k(s) over s from 1 to 0.

namespace ablaze {

namespace {

using namespace pictures;

constexpr int kChartWidth = 560, kChartHeight = 340;
constexpr int kValuesRoom = 62;   // left of the chart, for the axis's numbers
constexpr int kLegendRoom = 150;  // right of the chart, for the channels' numbers

// M. Okabe and K. Ito's colours, which colour-blind readers can distinguish, without the yellow, which is
// invisible on white.
constexpr std::array<image::Colour, 8> kCurveColours{{{0, 114, 178},
                                                      {213, 94, 0},
                                                      {0, 158, 115},
                                                      {204, 121, 167},
                                                      {86, 180, 233},
                                                      {230, 159, 0},
                                                      {31, 35, 40},
                                                      {130, 90, 60}}};

constexpr image::Colour kUnnamed{176, 184, 192};

void check(std::span<const ChannelPath> paths) {
  if (paths.empty()) throw Error("no paths to draw: explain with MethodOptions::paths");
  const auto finite = [](double v) { return std::isfinite(v); };
  for (const ChannelPath& path : paths) {
    if (path.scales.size() < 2 || path.scales.size() != path.values.size() ||
        !std::ranges::all_of(path.values, finite) || !std::ranges::all_of(path.scales, finite))
      throw Error("the path of channel " + std::to_string(path.channel) +
                  " needs at least two points, with finite values");
  }
}

/// 1, 2 or 5 times a power of ten: the step of an axis with about `count` numbers.
double round_step(double length, int count) {
  const double rough = length / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

/// The value axis, from whole step to whole step, including zero, because a drop's sign matters.
struct Axis {
  double low = 0, high = 0, step = 1;

  explicit Axis(std::span<const ChannelPath> paths) {
    for (const ChannelPath& path : paths) {
      const auto [least, largest] = std::ranges::minmax(path.values);
      low = std::min(low, least);
      high = std::max(high, largest);
    }
    // Curves that are zero everywhere still need an axis.
    if (!(high - low >= 1e-30)) low = 0, high = 1;
    step = round_step(high - low, 6);
    low = step * std::floor(low / step);
    high = step * std::ceil(high / step);
  }
};

class Chart {
 public:
  Chart(Image& on, const PixelRectangle& box, const Axis& axis) : on_(on), box_(box), axis_(axis) {}

  void draw_axes() {
    for (int i = 0; i <= static_cast<int>(std::lround((axis_.high - axis_.low) / axis_.step)); ++i) {
      const int whole = i + static_cast<int>(std::lround(axis_.low / axis_.step));
      const double y = y_of(whole * axis_.step);
      image::fill(on_, {box_.x, row(y), box_.width, 1}, whole == 0 ? kQuiet : kLine);
      image::draw_right(on_, box_.x - 8, y + 0.36 * kCaption.size, image::short_value(whole * axis_.step),
                        kCaption);
    }
    const double baseline = box_.bottom() + 0.95 * image::line_height(kCaption);
    for (int tenth = 10; tenth >= 0; tenth -= 2) {
      const double x = x_of(tenth / 10.0);
      image::fill(on_, {static_cast<int>(x), box_.bottom(), 1, 5}, kQuiet);
      image::draw_centred(on_, x - 20, 40, baseline + 4, image::short_value(tenth / 10.0), kCaption);
    }
    const double words = baseline + 4 + image::line_height(kCaption);
    image::draw_text(on_, box_.x, words, "gradient x activation", kCaption);
    image::draw_centred(on_, box_.x, box_.width, words, "scale s of the channel's activations", kCaption);
    image::draw_right(on_, box_.right(), words, "ablation", kCaption);
  }

  void draw_curve(const ChannelPath& path, image::Colour colour, double thickness) {
    for (std::size_t i = 1; i < path.values.size(); ++i)
      image::draw_line(on_, place_of(path, i - 1), place_of(path, i), colour, thickness);
  }

  /// Each channel's number and drop to the right of its curve's end, moved apart if the ends are close.
  void draw_names(std::span<const ChannelPath> paths) {
    const int height = image::line_height(kBody);
    std::vector<std::size_t> order(paths.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, std::greater<>(), [&](auto i) { return paths[i].values.back(); });
    std::vector<double> middles;
    for (const std::size_t i : order) {
      const double own = y_of(paths[i].values.back());
      middles.push_back(middles.empty() ? own : std::max(own, middles.back() + height));
    }
    // If the last one is below the chart, moves them up again.
    double lowest = box_.bottom();
    for (auto middle = middles.rbegin(); middle != middles.rend(); ++middle) {
      *middle = std::min(*middle, lowest);
      lowest = *middle - height;
    }
    for (std::size_t n = 0; n < order.size(); ++n)
      draw_name(paths[order[n]], kCurveColours[order[n]], middles[n]);
  }

 private:
  double x_of(double scale) const { return box_.x + (1 - scale) * box_.width; }
  double y_of(double value) const {
    return box_.y + (axis_.high - value) / (axis_.high - axis_.low) * box_.height;
  }
  static int row(double y) { return static_cast<int>(std::lround(y)); }
  image::Point place_of(const ChannelPath& path, std::size_t i) const {
    return {x_of(path.scales[i]), y_of(path.values[i]) + 0.5};
  }

  void draw_name(const ChannelPath& path, image::Colour colour, double middle) {
    image::draw_line(on_, {box_.right() + 3.0, y_of(path.values.back()) + 0.5},
                     {box_.right() + 16.0, middle + 0.5}, colour, 1);
    image::Type type = kBody;
    type.colour = colour;
    const double baseline = middle + 0.36 * kBody.size;
    const std::string number = std::to_string(path.channel);
    image::draw_text(on_, box_.right() + 22, baseline, number, type);
    image::draw_text(on_, box_.right() + 30 + image::text_width(number, type), baseline,
                     signed_value(path.values.back()), kCaption);
  }

  Image& on_;
  PixelRectangle box_;
  const Axis& axis_;
};

std::string title_of(const std::string& layer, std::size_t count) {
  return "From gradient to ablation: " + std::to_string(count) +
         (count == 1 ? " channel of " : " channels of ") + base::printable(layer, 60);
}

std::string line_below(const ClassScore& target, bool some_unnamed) {
  return "Drop of the score of " + class_name(target) +
         " when one channel's activations are scaled by s, divided by 1 − s: constant where the score is "
         "linear "
         "in the channel" +
         (some_unnamed ? "; the largest drops are labelled, the others grey" : "");
}

}  // namespace

Image path_curves(const std::string& layer, const ClassScore& target, std::span<const ChannelPath> paths) {
  check(paths);
  const auto named = paths.first(std::min(paths.size(), kCurveColours.size()));
  const auto others = paths.subspan(named.size());
  const int height = kChartHeight + 2 * image::line_height(kCaption) + 10;
  Image on = titled(title_of(layer, paths.size()), line_below(target, !others.empty()),
                    kValuesRoom + kChartWidth + kLegendRoom, height + kGap);
  const Axis axis(paths);
  Chart chart(on, {kMargin + kValuesRoom, top_of(on, height), kChartWidth, kChartHeight}, axis);
  chart.draw_axes();
  for (const ChannelPath& path : others) chart.draw_curve(path, kUnnamed, 1);
  for (std::size_t i = named.size(); i-- > 0;) chart.draw_curve(named[i], kCurveColours[i], 2);
  chart.draw_names(named);
  return on;
}

}  // namespace ablaze
