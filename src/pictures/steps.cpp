#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/pictures.hpp>

#include "base/text.hpp"
#include "image/drawing.hpp"
#include "pictures/theme.hpp"

namespace ablaze {

namespace {

using namespace pictures;

constexpr int kTilesAcross = 8, kMaxTiles = 48;
constexpr int kTile = 76;
constexpr int kMaxBars = 24;

Tensor channel_of(const Tensor& activation, int channel) {
  const std::int64_t places = activation.dim(1) * activation.dim(2);
  return {{activation.dim(1), activation.dim(2)}, activation.values().subspan(channel * places, places)};
}

/// The channels' sort keys: the weight's magnitude, or the strength of the activation.
std::vector<double> strengths(const Explanation& e) {
  std::vector<double> out;
  if (!e.layers.front().weights.empty()) {
    for (const double w : e.layers.front().weights) out.push_back(std::abs(w));
    return out;
  }
  for (int k = 0; k < static_cast<int>(e.layers.front().activation.dim(0)); ++k)
    out.push_back(range_of(channel_of(e.layers.front().activation, k), ColourMap::grey).high);
  return out;
}

std::vector<int> strongest_first(const Explanation& e) {
  const auto strength = strengths(e);
  std::vector<int> order(strength.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return strength[a] > strength[b]; });
  return order;
}

double weight_of(const Explanation& e, int channel) { return e.layers.front().weights.at(channel); }

// The input

/// One colour plane of the input [1, 3, H, W], signed.
Tensor plane_of(const Tensor& input, std::int64_t c) {
  const std::int64_t height = input.shape()[input.shape().size() - 2], width = input.shape().back();
  const auto places = static_cast<std::size_t>(height * width);
  return {{height, width}, input.values().subspan(static_cast<std::size_t>(c) * places, places)};
}

Image input_step(const Tensor& input, const Preprocess& how) {
  constexpr int side = 260, scale_room = 62;
  const Image seen = denormalise(input, how);
  const PixelRectangle box = fit(seen.width(), seen.height(), side);
  const int below = kGap + image::line_height(kCaption);
  const std::int64_t channels = input.shape()[input.shape().size() - 3];
  const int shown = static_cast<int>(std::min<std::int64_t>(channels, 3));
  const int height = box.height + below, width = (shown + 1) * box.width + shown * kGap + scale_room;
  const std::string size = std::to_string(seen.width()) + " x " + std::to_string(seen.height()) + " pixels";
  const std::string photo = "The photo cropped to " + size + ", and its " +
                            (channels == 1 ? "plane" : "three planes") +
                            " minus the mean, divided by the standard deviation";
  const std::string other = "The tensor of " + size + ": the mean of its " + std::to_string(channels) +
                            " channels, and the first of them";
  Image on = titled("The network's input", channels == 1 || channels == 3 ? photo : other,
                    std::max(width, 560), height);
  const int top = top_of(on, height);
  image::paste(on, resize(seen, box.width, box.height), kMargin, top);
  ValueRange range;
  for (std::int64_t c = 0; c < shown; ++c) {
    const ValueRange own = range_of(plane_of(input, c), ColourMap::bluered);
    if (own.high > range.high) range = own;
  }
  const char* const names[]{"red", "green", "blue"};
  const int under = top + box.height + kGap / 2;
  const double baseline = under + 0.78 * image::line_height(kCaption);
  image::draw_text(on, kMargin, baseline, channels == 3 ? "in colour" : "as a picture", kCaption);
  for (int c = 0; c < shown; ++c) {
    const int x = kMargin + (c + 1) * (box.width + kGap);
    image::paste(on, map_picture(plane_of(input, c), range, ColourMap::bluered, box.width, box.height), x,
                 top);
    image::draw_text(on, x, baseline, channels == 3 ? names[c] : "channel " + std::to_string(c), kCaption);
  }
  upright_scale(on, {kMargin + (shown + 1) * (box.width + kGap), top + 4, 12, box.height - 8}, range,
                ColourMap::bluered);
  return on;
}

// The channels and their weights

void draw_tile(Image& on, const Explanation& e, int channel, int x, int y) {
  const Tensor map = channel_of(e.layers.front().activation, channel);
  const PixelRectangle box = fit(static_cast<double>(map.dim(1)), static_cast<double>(map.dim(0)), kTile);
  const ValueRange range = range_of(map, ColourMap::viridis);
  image::paste(on, map_picture(map, range, ColourMap::viridis, box.width, box.height), x, y);
  const double baseline = y + kTile + 0.8 * image::line_height(kCaption);
  image::draw_text(on, x, baseline, std::to_string(channel), kCaption);
}

/// The weights of the strongest channels as bars to the left and right of zero.
void draw_bars(Image& on, const Explanation& e, std::span<const int> order, const PixelRectangle& box) {
  double least = 0, largest = 0;
  for (const int channel : order) {
    least = std::min(least, weight_of(e, channel));
    largest = std::max(largest, weight_of(e, channel));
  }
  constexpr int number = 46, value = 62;  // widths of the channels' and the weights' numbers
  const int row = std::max(box.height / std::max(static_cast<int>(order.size()), 1), 15);
  const double pixels = (box.width - number - 2 * value) / std::max(largest - least, 1e-300);
  const int zero = box.x + number + value + static_cast<int>(std::lround(-least * pixels));
  int y = box.y;
  for (const int channel : order) {
    const double weight = weight_of(e, channel), baseline = y + row / 2.0 + 0.36 * kCaption.size;
    const int length = static_cast<int>(std::lround(std::abs(weight) * pixels));
    image::draw_right(on, box.x + number - 10, baseline, std::to_string(channel), kCaption);
    image::fill(on, {weight < 0 ? zero - length : zero, y + 3, length, row - 6},
                weight < 0 ? kNegative : kPositive);
    if (weight < 0) {
      image::draw_right(on, zero - length - 6, baseline, signed_value(weight), kCaption);
    } else {
      image::draw_text(on, zero + length + 6, baseline, signed_value(weight), kCaption);
    }
    y += row;
  }
  image::fill(on, {zero, box.y, 1, y - box.y}, kQuiet);
}

std::string channels_line(const Explanation& e, int shown) {
  const std::string all = std::to_string(e.layers.front().activation.dim(0));
  const std::string which =
      "The " + std::to_string(shown) + " of " + all + " channels of " + base::printable(e.layer_names(), 60);
  if (e.layers.front().weights.empty())
    return which + " with the largest activations, each on its own scale; the method has no channel weights";
  return which + " with the largest absolute weights, strongest first, each on its own scale" +
         (e.layers.front().drops.empty()
              ? ", and their weights"
              : ", and their weights: the score's drop without them, over its magnitude");
}

Image channels_step(const Explanation& e, const std::vector<int>& order) {
  constexpr int bars_width = 380;
  const int shown = std::min(kMaxTiles, static_cast<int>(order.size()));
  const int rows = (shown + kTilesAcross - 1) / kTilesAcross, cell = kTile + image::line_height(kCaption) + 8;
  const int tiles_width = kTilesAcross * (kTile + kGap);
  const bool bars = !e.layers.front().weights.empty();
  const int height = std::max(rows * cell, bars ? 15 * std::min(kMaxBars, shown) : 0);
  Image on = titled("The layer's channels and their weights for " + class_name(e.target),
                    channels_line(e, shown), tiles_width + (bars ? kMargin + bars_width : 0), height);
  const int top = top_of(on, height);
  for (int i = 0; i < shown; ++i)
    draw_tile(on, e, order[i], kMargin + i % kTilesAcross * (kTile + kGap), top + i / kTilesAcross * cell);
  const auto barred = std::span(order).first(std::min(kMaxBars, shown));
  if (bars) draw_bars(on, e, barred, {kMargin + tiles_width + kMargin, top, bars_width, height - 8});
  return on;
}

// The running sum

/// sum_k w_k A_k over the first `count` channels of the order.
std::vector<double> partial_sum(const Explanation& e, const std::vector<int>& order, std::size_t count) {
  const std::int64_t places = e.layers.front().activation.dim(1) * e.layers.front().activation.dim(2);
  std::vector<double> sum(places);
  for (std::size_t i = 0; i < count; ++i) {
    const float* const channel = e.layers.front().activation.data() + order[i] * places;
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += weight_of(e, order[i]) * channel[p];
  }
  return sum;
}

/// 1, 2, 4, ..., all.
std::vector<std::size_t> partial_counts(std::size_t channels) {
  std::vector<std::size_t> out;
  for (std::size_t count = 1; count < channels; count *= 2) out.push_back(count);
  out.push_back(channels);
  return out;
}

double length_of(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

RunningSum running_sum(const std::vector<double>& sum, const std::vector<double>& whole,
                       std::size_t channels) {
  const auto [least, largest] = std::minmax_element(sum.begin(), sum.end());
  std::vector<double> rest(sum.size());
  std::transform(sum.begin(), sum.end(), whole.begin(), rest.begin(), std::minus<>());
  const double size = length_of(whole);
  return {static_cast<std::int64_t>(channels), *least, *largest, size > 0 ? length_of(rest) / size : 0};
}

Tensor as_map(const std::vector<double>& sum, const Tensor& activation) {
  Tensor map({activation.dim(1), activation.dim(2)});
  std::transform(sum.begin(), sum.end(), map.data(), [](double v) { return static_cast<float>(v); });
  return map;
}

std::string station_text(const RunningSum& sum, std::int64_t channels) {
  if (sum.channels == channels) return "all " + std::to_string(channels);
  return std::to_string(sum.channels) + (sum.channels == 1 ? " channel" : " channels");
}

Image sum_step(const Explanation& e, const std::vector<int>& order, std::vector<RunningSum>& sums) {
  constexpr int side = 150, across = 6, scale_room = 70;
  const auto counts = partial_counts(order.size());
  const auto whole = partial_sum(e, order, order.size());
  std::vector<Tensor> maps;
  ValueRange range;
  for (const std::size_t count : counts) {
    const auto sum = partial_sum(e, order, count);
    sums.push_back(running_sum(sum, whole, count));
    maps.push_back(as_map(sum, e.layers.front().activation));
    const ValueRange own = range_of(maps.back(), ColourMap::bluered);
    if (own.high > range.high) range = own;
  }
  const PixelRectangle box = fit(static_cast<double>(e.layers.front().activation.dim(2)),
                                 static_cast<double>(e.layers.front().activation.dim(1)), side);
  const int rows = (static_cast<int>(maps.size()) + across - 1) / across;
  const int cell = box.height + 2 * image::line_height(kCaption) + kGap, height = rows * cell;
  const int columns = std::min(across, static_cast<int>(maps.size()));
  const int step = std::max(box.width, 110) + kGap;
  Image on = titled("The weighted sum after each channel, strongest first",
                    "One scale: blue is evidence against " + class_name(e.target) +
                        ", red for it; below, the distance from the sum of all channels",
                    std::max(columns * step + scale_room, 560), height);
  const int top = top_of(on, height);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const int x = kMargin + static_cast<int>(i) % across * step,
              y = top + static_cast<int>(i) / across * cell;
    image::paste(on, map_picture(maps[i], range, ColourMap::bluered, box.width, box.height), x, y);
    image::frame(on, {x, y, box.width, box.height}, kLine);
    char difference[32];
    std::snprintf(difference, sizeof difference, "%.1f %% off", 100 * sums[i].difference);
    draw_lines(on, x, y + box.height + 2,
               {station_text(sums[i], e.layers.front().activation.dim(0)), difference}, kCaption);
  }
  upright_scale(on, {kMargin + columns * step, top, 12, box.height}, range, ColourMap::bluered);
  return on;
}

// The ReLU

Image relu_step(const Explanation& e, std::int64_t cut) {
  constexpr int side = 300, scale_room = 76;
  const PixelRectangle box = fit(static_cast<double>(e.map.dim(1)), static_cast<double>(e.map.dim(0)), side);
  const int height = box.height + kGap + 2 * image::line_height(kCaption),
            panel = std::max(box.width, 220) + scale_room + kMargin;
  Image on = titled("Evidence for " + class_name(e.target),
                    "The ReLU removes the evidence against it: " + std::to_string(cut) + " of " +
                        std::to_string(e.map.size()) + " locations",
                    2 * panel, height);
  const int top = top_of(on, height);
  const auto panel_at = [&](int x, const Tensor& map, ColourMap colours, const std::string& words) {
    const ValueRange range = range_of(map, colours);
    image::paste(on, map_picture(map, range, colours, box.width, box.height), x, top);
    image::frame(on, {x, top, box.width, box.height}, kLine);
    upright_scale(on, {x + box.width + kGap, top + 4, 12, box.height - 8}, range, colours);
    draw_lines(on, x, top + box.height + 4, image::wrapped(words, kCaption, panel - kMargin, 2), kCaption);
  };
  panel_at(kMargin, e.signed_map, ColourMap::bluered, "the signed sum");
  panel_at(kMargin + panel, e.map, ColourMap::inferno, e.note.empty() ? "the map" : e.note);
  return on;
}

void check(const Explanation& e) {
  if (e.layers.size() != 1) throw Error("steps show one layer's map, not a fused map: explain one layer");
  if (e.layers.front().activation.rank() != 3 || e.layers.front().activation.dim(0) < 1)
    throw Error("steps need the layer's activations: explain with keep_activations");
}

}  // namespace

Steps draw_steps(const Preprocess& how, const Explanation& explanation, const Image& overlay_picture) {
  check(explanation);
  Steps steps;
  steps.order = strongest_first(explanation);
  steps.places_cut = std::count_if(explanation.signed_map.values().begin(),
                                   explanation.signed_map.values().end(), [](float v) { return v < 0; });
  steps.pictures.push_back({"input", input_step(*explanation.input, how)});
  steps.pictures.push_back({"channels", channels_step(explanation, steps.order)});
  if (!explanation.layers.front().weights.empty())
    steps.pictures.push_back({"sum", sum_step(explanation, steps.order, steps.sums)});
  steps.pictures.push_back({"relu", relu_step(explanation, steps.places_cut)});
  steps.pictures.push_back({"overlay", overlay_picture});
  return steps;
}

}  // namespace ablaze
