#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "image/pictures.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

struct Size {
  int width, height;
};
std::string name_of(Size size) { return std::to_string(size.width) + "x" + std::to_string(size.height); }

Preprocess made_for(int resize, int crop) {
  Preprocess how;
  how.resize = resize;
  how.crop = crop;
  return how;
}

}  // namespace

TEST_CASE("resizing is Pillow's, bit for bit") {
  const std::pair<Size, Size> cases[] = {{{37, 29}, {37, 29}}, {{37, 29}, {18, 14}},   {{37, 29}, {7, 29}},
                                         {{37, 29}, {37, 5}},  {{37, 29}, {50, 41}},   {{37, 29}, {90, 7}},
                                         {{37, 29}, {1, 1}},   {{37, 29}, {3, 60}},    {{1, 1}, {5, 4}},
                                         {{1, 40}, {6, 3}},    {{640, 480}, {41, 30}}, {{200, 3}, {60, 2}}};
  for (const auto& [from, to] : cases) {
    const std::string name = "resize-" + name_of(from) + "-" + name_of(to) + ".rgb";
    CAPTURE(name);
    const Image resized = resize(pattern(from.width, from.height), to.width, to.height);
    CHECK(resized.width() == to.width);
    CHECK(difference(resized, golden_rgb(name)).largest == 0);
  }
}

TEST_CASE("preprocessing is torchvision's, bit for bit") {
  struct Case {
    Size photo;
    int resize, crop;
    std::string interpolation = "bilinear";
  };
  const Case cases[] = {{{37, 29}, 20, 16},
                        {{29, 37}, 20, 16},
                        {{37, 29}, 20, 15},
                        {{37, 29}, 16, 21},
                        {{61, 16}, 16, 21},
                        {{16, 61}, 15, 20},
                        {{37, 29}, 29, 29},
                        {{37, 29}, 50, 17},
                        {{2, 90}, 9, 9},
                        {{640, 480}, 18, 16},
                        {{37, 29}, 20, 16, "bicubic"},
                        {{37, 29}, 41, 13, "bicubic"}};
  for (const Case& c : cases) {
    const std::string name = "preprocess-" + name_of(c.photo) + "-" + std::to_string(c.resize) + "-" +
                             std::to_string(c.crop) + "-" + c.interpolation + ".f32";
    CAPTURE(name);
    Preprocess how = made_for(c.resize, c.crop);
    how.interpolation = parse_interpolation(c.interpolation);
    const Tensor input = preprocess(pattern(c.photo.width, c.photo.height), how);
    CHECK(input.shape() == Shape{1, 3, c.crop, c.crop});
    const std::vector<float> golden = golden_floats(name);
    REQUIRE(golden.size() == input.values().size());
    for (std::size_t i = 0; i < golden.size(); ++i) REQUIRE(input.values()[i] == golden[i]);
  }
}

TEST_CASE("both sides, and the longer side with borders, are torchvision's and timm's, bit for bit") {
  struct Case {
    Size photo;
    int resize, crop;
    std::string interpolation = "bilinear";
  };
  const Case cases[] = {{{37, 29}, 20, 16}, {{29, 37}, 21, 21, "bicubic"},
                        {{16, 61}, 15, 20}, {{61, 16}, 24, 17, "bicubic"},
                        {{4, 90}, 16, 9},   {{7, 5}, 30, 27}};
  for (const Fit fit : {Fit::squash, Fit::border}) {
    for (const Case& c : cases) {
      const std::string name = to_string(fit) + "-" + name_of(c.photo) + "-" + std::to_string(c.resize) +
                               "-" + std::to_string(c.crop) + "-" + c.interpolation + ".f32";
      CAPTURE(name);
      Preprocess how = made_for(c.resize, c.crop);
      how.interpolation = parse_interpolation(c.interpolation);
      how.fit = fit;
      const Tensor input = preprocess(pattern(c.photo.width, c.photo.height), how);
      const std::vector<float> golden = golden_floats(name);
      REQUIRE(golden.size() == input.values().size());
      for (std::size_t i = 0; i < golden.size(); ++i) REQUIRE(input.values()[i] == golden[i]);
    }
  }
}

TEST_CASE("the crop of a squashed and of a bordered photo, in the photo's pixels") {
  Preprocess how = made_for(20, 20);
  how.fit = Fit::squash;
  CHECK(crop_rectangle(40, 10, how) == Rectangle{0, 0, 40, 10});
  how.crop = 10;
  CHECK(crop_rectangle(40, 10, how) == Rectangle{10, 2.5, 20, 5});
  how = made_for(20, 20);
  how.fit = Fit::border;
  CHECK(crop_rectangle(40, 10, how) == Rectangle{0, -14, 40, 40});  // 7 of 20 lines are the upper border
  CHECK(crop_rectangle(Image::max_side, 1, how).width == Image::max_side);
  CHECK(preprocess(Image(1, Image::max_side), how).shape() == Shape{1, 3, 20, 20});
}

TEST_CASE("a strip of extreme proportions costs no more than its crop") {
  // The whole resized image would have a billion pixels.
  const Tensor tall = preprocess(Image(1, Image::max_side), made_for(256, 224));
  CHECK(tall.shape() == Shape{1, 3, 224, 224});
  const Tensor wide = preprocess(Image(Image::max_side, 1), made_for(256, 224));
  CHECK(wide[0] == doctest::Approx(-0.485F / 0.229F));
}

TEST_CASE("sizes and numbers that make no sense are refused") {
  const Image photo = pattern(8, 8);
  CHECK_THROWS_AS(resize(photo, 0, 5), Error);
  CHECK_THROWS_AS(resize(photo, 20'000, 5), Error);
  CHECK_THROWS_AS(resize(Image(), 5, 5), Error);
  CHECK_THROWS_AS(preprocess(Image(), Preprocess{}), Error);
  CHECK_THROWS_AS(preprocess(photo, made_for(0, 224)), Error);
  CHECK_THROWS_AS(preprocess(photo, made_for(256, -1)), Error);
  CHECK_THROWS_AS(preprocess(photo, made_for(1 << 30, 1 << 30)), Error);
  Preprocess how;
  how.std[1] = 0;
  CHECK(message_of([&] { preprocess(photo, how); }).find("std") != std::string::npos);
  how = {};
  how.mean[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(preprocess(photo, how), Error);
  CHECK(message_of([] { parse_interpolation("lanczos"); }).find("lanczos") != std::string::npos);
  std::vector<float> small(3);
  CHECK_THROWS_AS(preprocess(photo, made_for(8, 8), small), Error);
}

TEST_CASE("an input goes into a caller's buffer with the same numbers") {
  const Image photo = pattern(9, 7);
  const Tensor input = preprocess(photo, made_for(8, 12));  // padded
  std::vector<float> buffer(3 * 12 * 12, 7.0F);
  preprocess(photo, made_for(8, 12), buffer);
  CHECK(std::equal(buffer.begin(), buffer.end(), input.values().begin(), input.values().end()));
}

TEST_CASE("the crop box is where the network looks") {
  const Rectangle whole = crop_rectangle(100, 100, made_for(224, 224));
  CHECK(whole.x == 0);
  CHECK(whole.width == doctest::Approx(100));

  // 400x200 is resized to 512x256; the crop is 224 of 256 high and centred.
  const Rectangle wide = crop_rectangle(400, 200, made_for(256, 224));
  CHECK(wide.width == doctest::Approx(175));
  CHECK(wide.height == doctest::Approx(175));
  CHECK(wide.x == doctest::Approx(112.5));
  CHECK(wide.y == doctest::Approx(12.5));

  // A crop larger than the photo extends beyond it.
  const Rectangle beyond = crop_rectangle(100, 100, made_for(50, 60));
  CHECK(beyond.x == doctest::Approx(-10));
  CHECK(beyond.width == doctest::Approx(120));
}

TEST_CASE("denormalising gives back the picture that was cropped") {
  const Image photo = pattern(16, 16);
  const Preprocess how = made_for(16, 16);
  const Tensor input = preprocess(photo, how);
  CHECK(difference(denormalise(input, how), photo.pixels()).largest == 0);
  CHECK(difference(denormalise(input.reshaped({3, 16, 16}), how), photo.pixels()).largest == 0);
  CHECK_THROWS_AS(denormalise(input.reshaped({3, 256}), how), Error);
  CHECK(denormalise(input.reshaped({1, 1, 48, 16}), how).height() == 48);  // one plane: a grey picture
  CHECK(denormalise(Tensor({2, 4, 4}), how).width() == 4);                 // two: no photo, their mean
  CHECK_THROWS_AS(denormalise(Tensor({2, 3, 4, 4}), how), Error);
  CHECK_THROWS_AS(denormalise(Tensor(), how), Error);

  Tensor wild({3, 1, 4});
  wild[0] = std::numeric_limits<float>::quiet_NaN();
  wild[1] = std::numeric_limits<float>::infinity();
  wild[2] = -std::numeric_limits<float>::infinity();
  wild[3] = 1e30F;
  const Image bounded = denormalise(wild, how);
  CHECK(*bounded.at(0, 0) == 0);
  CHECK(*bounded.at(1, 0) == 255);
  CHECK(*bounded.at(2, 0) == 0);
  CHECK(*bounded.at(3, 0) == 255);
}
