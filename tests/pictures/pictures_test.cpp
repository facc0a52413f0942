// Contact sheets, steps and single images of explanations: their sizes and content.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/pictures.hpp>

using namespace ablaze;

namespace {

Explanation explanation(std::string method, std::string label, std::vector<float> signed_values) {
  Explanation e;
  e.method = std::move(method);
  e.layers.resize(1);
  e.layers[0].layer = "relu";
  e.layers[0].layer_shape = {3, 2, 2};
  e.input = std::make_shared<const Tensor>(Shape{1, 3, 32, 32});
  e.target = {0, std::move(label), 1.5, 0.25};
  e.top = std::vector<ClassScore>(5, e.target);
  e.signed_map = Tensor({2, 2}, signed_values);
  e.map = e.signed_map;
  for (float& v : e.map.values()) v = std::max(v, 0.0F);
  return e;
}

/// An explanation of this input.
Explanation seen_as(Tensor input, Explanation e) {
  e.input = std::make_shared<const Tensor>(std::move(input));
  return e;
}

Image photo_of(int width, int height) {
  Image photo(width, height);
  std::fill(photo.pixels().begin(), photo.pixels().end(), std::uint8_t{90});
  return photo;
}

/// Explanations of the whole photo.
std::vector<Explanation> of(const Image& photo, std::vector<Explanation> all) {
  for (Explanation& e : all)
    e.seen = {0, 0, static_cast<double>(photo.width()), static_cast<double>(photo.height())};
  return all;
}
Explanation of(const Image& photo, const Explanation& e) { return of(photo, std::vector{e}).front(); }

/// The number of pixels that differ from the other image; all if the sizes differ.
std::int64_t changed(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return a.width() * a.height();
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.pixels().size(); i += 3)
    count += !std::equal(a.pixels().begin() + i, a.pixels().begin() + i + 3, b.pixels().begin() + i);
  return count;
}

bool has_colour(const Image& image, std::array<std::uint8_t, 3> colour) {
  for (std::size_t i = 0; i < image.pixels().size(); i += 3)
    if (std::equal(colour.begin(), colour.end(), image.pixels().begin() + i)) return true;
  return false;
}

std::vector<Explanation> grid(int methods, int classes) {
  std::vector<Explanation> all;
  for (int m = 0; m < methods; ++m) {
    for (int c = 0; c < classes; ++c)
      all.push_back(explanation("method-" + std::to_string(m), "class " + std::to_string(c), {1, -1, 0, 2}));
  }
  return all;
}

/// An explanation with activations of three channels and their weights.
Explanation weighted() {
  Explanation e = explanation("ablation", "golf ball", {0, 0, 0, 0});
  e.layers[0].activation = Tensor({3, 2, 2}, std::vector<float>{1, 0, 0, 0, 0, 2, 0, 0, 1, 1, 1, 1});
  e.layers[0].weights = {0.5, 2, -1};
  e.layers[0].drops = {1, 4, -2};
  e.signed_map = Tensor({2, 2}, std::vector<float>{-0.5F, 3, -1, -1});
  e.map = Tensor({2, 2}, std::vector<float>{0, 3, 0, 0});
  return e;
}

}  // namespace

TEST_CASE("a sheet grows by a cell for each class and a row for each method") {
  const Image photo = photo_of(64, 64);
  const auto size = [&](int methods, int classes) {
    const Image sheet = contact_sheet(photo, of(photo, grid(methods, classes)), {}, "photo.png");
    return std::pair{sheet.width(), sheet.height()};
  };
  const auto one = size(3, 3), wide = size(3, 4), high = size(4, 3), higher = size(5, 3);
  CHECK(wide.first == one.first + 240 + 12);
  CHECK(wide.second == one.second);
  CHECK(high.first == one.first);
  CHECK(high.second - one.second == higher.second - high.second);
  CHECK(high.second - one.second > 240);
}

TEST_CASE("each cell shows its own explanation") {
  const Image photo = photo_of(64, 64);
  auto all = grid(2, 3);
  const Image before = contact_sheet(photo, of(photo, all), {}, "photo.png");
  all[4].map[0] = 50;  // second row, second column
  const Image after = contact_sheet(photo, of(photo, all), {}, "photo.png");
  REQUIRE(before.height() == after.height());
  int left = before.width(), right = 0, top = before.height(), bottom = 0;
  for (int y = 0; y < before.height(); ++y) {
    for (int x = 0; x < before.width(); ++x) {
      if (std::equal(before.at(x, y), before.at(x, y) + 3, after.at(x, y))) continue;
      left = std::min(left, x), right = std::max(right, x);
      top = std::min(top, y), bottom = std::max(bottom, y);
    }
  }
  CHECK(left >= 28 + 150 + 252);
  CHECK(right < 28 + 150 + 252 + 240);
  CHECK(top > before.height() / 2);
  CHECK(bottom - top < 240 + 40);
}

TEST_CASE("sheets are drawn of photos of any form, long labels, notes and many classes") {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 900}, {900, 3}, {641, 123}}) {
    const Image photo = photo_of(width, height);
    const Rectangle crop = crop_rectangle(width, height, {});
    auto all = grid(2, 3);
    all[1].target.label =
        "Donaudampfschifffahrtsgesellschaft, a label as long as some are and then some more";
    all[2].note = "the map is zero everywhere: at this layer all evidence is against the class";
    all[3].target.probability = std::nan("");
    for (Explanation& e : all) e.seen = crop;
    const Image sheet = contact_sheet(
        photo, all, {}, "a file name\nthat is much too long for its line " + std::string(300, 'x'));
    CHECK(sheet.width() >= 720);
    // Nothing is cut off: all margins are white.
    for (int x = 0; x < sheet.width(); ++x) {
      CHECK(*sheet.at(x, 3) == 255);
      CHECK(*sheet.at(x, sheet.height() - 4) == 255);
    }
    for (int y = 0; y < sheet.height(); ++y) CHECK(*sheet.at(sheet.width() - 4, y) == 255);
  }
  const Image photo = photo_of(32, 32);
  const Image many = contact_sheet(photo, of(photo, grid(1, kMostSheetClasses + 9)), {}, "");
  CHECK(many.width() == contact_sheet(photo, of(photo, grid(1, kMostSheetClasses)), {}, "").width());
  CHECK_THROWS_AS(contact_sheet(photo, {}, {}, ""), Error);
  CHECK_THROWS_AS(contact_sheet(Image(), grid(1, 1), {}, ""), Error);
}

TEST_CASE("the colour bar is on the sheet: one below, or one a row on a shared scale") {
  const Image photo = photo_of(64, 64);
  const auto ends = colour(ColourMap::viridis, 1);
  MapStyle style{.colours = ColourMap::viridis, .opacity = 0, .shared_scale = false, .box = {}};
  CHECK(has_colour(contact_sheet(photo, of(photo, grid(1, 1)), style, ""), ends));
  style.shared_scale = true;
  CHECK(has_colour(contact_sheet(photo, of(photo, grid(1, 1)), style, ""), ends));
}

TEST_CASE("on a shared scale a method's maps have one range in one unit") {
  std::vector<Explanation> all{explanation("a", "x", {1, -4, 0, 0}), explanation("a", "y", {3, 0, 0, 0}),
                               explanation("b", "x", {100, 0, 0, 0}), explanation("b", "y", {1, 0, 0, 0})};
  all[1].divisor = 2;  // its map is 6 in the unit of the first
  MapStyle style;
  style.shared_scale = true;
  const auto ranges = drawn_ranges(all, style);
  CHECK(ranges[0].high == 6);
  CHECK(ranges[0].low == 0);
  CHECK(ranges[1].high == 3);
  CHECK(ranges[2].high == 100);
  CHECK(ranges[3].high == 100);
  style.colours = ColourMap::bluered;
  CHECK(drawn_ranges(all, style)[0].low == -6);
  style.shared_scale = false;
  CHECK(drawn_ranges(all, style)[0].low == -4);
  CHECK(drawn_ranges(all, style)[0].high == 4);
}

TEST_CASE("a map that shows nothing says so on its picture, where there is room") {
  const Image photo = photo_of(300, 200);
  Explanation blank = explanation("a", "x", {-1, -2, -1, -3});
  const MapStyle style;
  const auto draw = [&](const Explanation& e, const Image& on) {
    return explanation_picture(on, of(on, e), drawn_ranges({&e, 1}, style)[0], style);
  };
  const Image silent = draw(blank, photo);
  blank.note = "the map is zero everywhere: at this layer all evidence is against the class";
  CHECK(changed(silent, draw(blank, photo)) > 1000);
  CHECK(changed(draw(blank, photo_of(40, 30)), photo_of(40, 30)) == 40 * 30);  // dimmed, and no text

  Explanation shown = explanation("a", "x", {1, 0, 0, 0});
  const Image plain = draw(shown, photo);
  shown.note = "a remark";
  CHECK(changed(plain, draw(shown, photo)) == 0);
  Explanation flat = explanation("a", "x", {2, 2, 2, 2});
  const Image unsaid = draw(flat, photo);
  flat.note = "the map is constant: it highlights no location";
  CHECK(changed(unsaid, draw(flat, photo)) > 1000);
}

TEST_CASE("a box is drawn where there is a region") {
  const Image photo = photo_of(100, 80);
  const Explanation e = explanation("a", "x", {1, 0, 0, 0}), none = explanation("a", "x", {-1, -1, 0, 0});
  MapStyle plain, boxed;
  boxed.box = 0.5;
  const auto draw = [&](const Explanation& what, const MapStyle& style) {
    return explanation_picture(photo, of(photo, what), drawn_ranges({&what, 1}, style)[0], style);
  };
  CHECK(changed(draw(e, plain), draw(e, boxed)) > 100);
  CHECK(changed(draw(none, plain), draw(none, boxed)) == 0);
}

TEST_CASE("the steps tell the way of an explanation, strongest channels first") {
  const Tensor input({1, 3, 8, 6});
  const Image overlay_picture = photo_of(9, 7);
  const Steps steps = draw_steps({}, seen_as(input, weighted()), overlay_picture);
  std::vector<std::string> names;
  for (const StepPicture& step : steps.pictures) {
    names.push_back(step.name);
    CHECK_FALSE(step.picture.empty());
  }
  CHECK(names == std::vector<std::string>{"input", "channels", "sum", "relu", "overlay"});
  CHECK(steps.order == std::vector<int>{1, 2, 0});
  CHECK(steps.places_cut == 3);
  REQUIRE(steps.sums.size() == 3);  // after 1, 2 and all 3 channels
  CHECK(steps.sums[0].channels == 1);
  CHECK(steps.sums[0].largest == 4);
  CHECK(steps.sums[0].least == 0);
  // The sum of all channels is {-0.5, 3, -1, -1}; of the first alone {0, 4, 0, 0}.
  CHECK(steps.sums[0].difference == doctest::Approx(std::sqrt(3.25 / 11.25)));
  CHECK(steps.sums[2].least == -1);
  CHECK(steps.sums[2].difference == 0);
  CHECK(changed(steps.pictures.back().picture, overlay_picture) == 0);
}

TEST_CASE("a method without weights has no running sum, and its channels stand by their activation") {
  Explanation e = weighted();
  e.layers[0].weights.clear();
  e.layers[0].drops.clear();
  const Steps steps = draw_steps({}, seen_as(Tensor({3, 8, 6}), e), photo_of(3, 3));
  CHECK(steps.pictures.size() == 4);
  CHECK(steps.order == std::vector<int>{1, 0, 2});
  CHECK(steps.sums.empty());
}

TEST_CASE("steps of dead channels, of one channel and of many are drawn") {
  Explanation dead = weighted();
  dead.layers[0].activation = Tensor({3, 2, 2});
  dead.layers[0].weights = {0, 0, 0};
  dead.signed_map = dead.map = Tensor({2, 2});
  const Steps steps = draw_steps({}, seen_as(Tensor({3, 4, 4}), dead), photo_of(3, 3));
  for (const RunningSum& sum : steps.sums) CHECK(sum.difference == 0);

  Explanation single = weighted();
  single.layers[0].activation = Tensor({1, 1, 9});
  single.layers[0].weights = {-2};
  CHECK(draw_steps({}, seen_as(Tensor({3, 1, 40}), single), photo_of(3, 3)).sums.size() == 1);

  Explanation many = weighted();
  many.layers[0].activation = Tensor({300, 3, 5});
  many.layers[0].weights.assign(300, 0.25);
  CHECK(draw_steps({}, seen_as(Tensor({3, 4, 4}), many), photo_of(3, 3)).sums.size() == 10);
}

TEST_CASE("steps need one layer's activations") {
  Explanation e = weighted();
  e.layers[0].activation = Tensor();
  CHECK_THROWS_AS(draw_steps({}, seen_as(Tensor({3, 4, 4}), e), photo_of(3, 3)), Error);
  e = weighted();
  e.layers.resize(2);
  CHECK_THROWS_AS(draw_steps({}, seen_as(Tensor({3, 4, 4}), e), photo_of(3, 3)), Error);
}

TEST_CASE("a channel's way is a curve, the eight of the largest drops named and the others grey") {
  const ClassScore target{0, "golf ball", 1.5, 0.25};
  const auto path = [](int channel, std::vector<double> values) {
    return ChannelPath{channel, {1, 0.5, 0}, std::move(values)};
  };
  const Image one = path_curves("layer4", target, std::vector{path(3, {1, 2, 3})});
  CHECK(has_colour(one, {0, 114, 178}));
  CHECK_FALSE(has_colour(one, {213, 94, 0}));
  const Image two = path_curves("layer4", target, std::vector{path(3, {1, 2, 3}), path(700, {1, 2, -2})});
  CHECK(has_colour(two, {213, 94, 0}));
  CHECK(changed(one, two) > 500);

  std::vector<ChannelPath> many;
  for (int k = 0; k < 40; ++k) many.push_back(path(k, {0.0, 1e-3 * k, 1e-3}));
  const Image crowd = path_curves("layer4", target, many);
  CHECK(crowd.width() == one.width());
  for (int x = 0; x < crowd.width(); ++x)
    CHECK(*crowd.at(x, crowd.height() - 4) == 255);  // nothing is cut off

  for (const double value : {0.0, 5e-324, -1e30, 1e-12})
    CHECK_FALSE(path_curves("", target, std::vector{path(0, {value, value, value})}).empty());
  CHECK_THROWS_AS(path_curves("layer4", target, {}), Error);
  CHECK_THROWS_AS(path_curves("layer4", target, std::vector{path(0, {1, 2})}), Error);
  CHECK_THROWS_AS(path_curves("layer4", target, std::vector{path(0, {1, std::nan(""), 2})}), Error);
}

TEST_CASE("interactions are squares, blue where channels stand in for each other") {
  const ClassScore target{0, "golf ball", 1.5, 0.25};
  Interactions found{{4, 7, 9}, {{5, -1, 0}, {-1, 5, 0.5}, {0, 0.5, 5}}, {{4, 7, -1}}, {{7, 9, 0.5}}};
  const Image three = interaction_matrix("layer4", target, found);
  CHECK(has_colour(three, colour(ColourMap::bluered, 0)));
  CHECK(has_colour(three, colour(ColourMap::bluered, 0.75F)));
  found.matrix[0][1] = found.matrix[1][0] = 1;
  CHECK(changed(three, interaction_matrix("layer4", target, found)) > 500);

  for (const std::size_t count : {1, 2, 40, 256}) {
    Interactions many;
    for (std::size_t k = 0; k < count; ++k) many.channels.push_back(static_cast<int>(k));
    many.matrix.assign(count, std::vector<double>(count));  // no interactions give an image as well
    const Image picture = interaction_matrix("layer4", target, many);
    CHECK(picture.width() < 1000);
    CHECK(picture.height() < 700);
  }
  CHECK_THROWS_AS(interaction_matrix("layer4", target, {}), Error);
  found.matrix[2][0] = std::nan("");
  CHECK_THROWS_AS(interaction_matrix("layer4", target, found), Error);
  found.matrix.pop_back();
  CHECK_THROWS_AS(interaction_matrix("layer4", target, found), Error);
}

TEST_CASE("a map with next to nothing above zero has its note on the picture") {
  const Image photo = photo_of(200, 150);
  Explanation e = explanation("a", "x", {0.001F, -1, 0, -0.5F});
  const auto draw = [&] {
    return explanation_picture(photo, of(photo, e), drawn_ranges({&e, 1}, {})[0], {});
  };
  const Image unsaid = draw();
  e.note = "the map is close to zero";
  CHECK(changed(unsaid, draw()) > 1000);
}
