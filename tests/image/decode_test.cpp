#include <algorithm>
#include <array>
#include <fstream>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "image/exif.hpp"
#include "image/pictures.hpp"
#include "support/message_of.hpp"
#include "support/shared_data.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// A bare EXIF block: one directory with one SHORT entry.
Bytes exif_block(bool little_endian, unsigned tag, unsigned value) {
  const auto u16 = [&](unsigned v) {
    const std::byte low{static_cast<unsigned char>(v & 255)}, high{static_cast<unsigned char>(v >> 8)};
    return little_endian ? Bytes{low, high} : Bytes{high, low};
  };
  const auto u32 = [&](unsigned v) {
    Bytes bytes = little_endian ? u16(v) : u16(0);
    append(bytes, little_endian ? u16(0) : u16(v));
    return bytes;
  };
  Bytes block = to_bytes(little_endian ? "II" : "MM");
  for (const Bytes& part : {u16(42), u32(8), u16(1), u16(tag), u16(3), u32(1), u16(value), u16(0), u32(0)}) {
    append(block, part);
  }
  return block;
}

/// orientation.jpg with another orientation in its EXIF block.
Bytes with_orientation(unsigned orientation) {
  Bytes jpeg = read_fixture("orientation.jpg");
  const std::array tag{std::byte{0x01}, std::byte{0x12}, std::byte{0},
                       std::byte{3}};  // Pillow writes big-endian
  const auto found = std::search(jpeg.begin(), jpeg.end(), tag.begin(), tag.end());
  REQUIRE(found != jpeg.end());
  *(found + 9) = static_cast<std::byte>(orientation);
  return jpeg;
}

}  // namespace

TEST_CASE("PNGs of every kind decode to what Pillow makes of them") {
  for (const std::string name :
       {"rgb", "grey", "bilevel", "palette", "palette-transparent", "rgba", "grey-alpha", "colour-key"}) {
    CAPTURE(name);
    const Image image = load_fixture(name + ".png");
    CHECK(image.width() == 23);
    CHECK(image.height() == 17);
    CHECK(difference(image, golden_rgb(name + ".rgb")).largest == 0);
  }
}

TEST_CASE("an interlaced PNG is the same picture") {
  CHECK(difference(load_fixture("interlaced.png"), golden_rgb("rgb.rgb")).largest == 0);
}

TEST_CASE("16-bit PNGs keep their high bytes") {
  const auto rgb = golden_rgb("rgb.rgb");
  CHECK(difference(load_fixture("rgb16.png"), rgb).largest == 0);
  const Image grey = load_fixture("grey16.png");
  for (std::size_t i = 0; i < rgb.size(); ++i) REQUIRE(grey.pixels()[i] == rgb[i / 3 * 3 + 1]);
}

TEST_CASE("all eight orientations turn the picture as Pillow does") {
  const Image stored = Image::decode(with_orientation(1));
  std::ifstream golden(test_data("image/orientation.txt"));
  for (unsigned orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const Image upright = Image::decode(with_orientation(orientation));
    int width = 0, height = 0;
    golden >> width >> height;
    REQUIRE(upright.width() == width);
    REQUIRE(upright.height() == height);
    for (int i = 0; i < 6; ++i) {
      int from = -1;
      golden >> from;
      CHECK(*upright.at(i % width, i / width) == *stored.at(from % 3, from / 3));
    }
  }
}

TEST_CASE("a PNG's EXIF chunk turns it, too") {
  const Image image = load_fixture("exif.png");
  CHECK(image.width() == 17);
  CHECK(image.height() == 23);
  CHECK(difference(image, golden_rgb("exif.rgb")).largest == 0);
}

TEST_CASE("EXIF blocks are read in both byte orders, and damaged ones say nothing") {
  using image::exif_orientation;
  for (const bool little_endian : {false, true}) {
    CHECK(exif_orientation(exif_block(little_endian, 0x0112, 6)) == 6);
    CHECK(exif_orientation(exif_block(little_endian, 0x0112, 0)) == 1);
    CHECK(exif_orientation(exif_block(little_endian, 0x0112, 9)) == 1);
    CHECK_FALSE(exif_orientation(exif_block(little_endian, 0x0113, 6)));
    const Bytes whole = exif_block(little_endian, 0x0112, 6);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto orientation = exif_orientation(std::span(whole).first(size));
      CHECK((!orientation || orientation == 6));
    }
  }
  CHECK_FALSE(exif_orientation({}));
  CHECK_FALSE(exif_orientation(to_bytes("II*")));
  CHECK_FALSE(exif_orientation(Bytes(64, std::byte{0xFF})));
  Bytes far = exif_block(true, 0x0112, 6);
  for (std::size_t i = 4; i < 8; ++i) far[i] = std::byte{0xFF};
  CHECK_FALSE(exif_orientation(far));
}

TEST_CASE("what a file is called does not matter, and errors name it") {
  CHECK(Image::decode(read_fixture("rgb.png"), "holiday.jpg").width() == 23);
  const std::string message = message_of([] { Image::load("/nonexistent/holiday.jpg"); });
  CHECK(message.find("/nonexistent/holiday.jpg") != std::string::npos);
}

TEST_CASE("a buffer in memory serves as well as a file") {
  const Image original = pattern(5, 3);
  const Image copy(5, 3, original.pixels());
  CHECK(difference(copy, original.pixels()).largest == 0);
  CHECK(copy.at(4, 2)[1] == ((4 * 37 + 2 * 101 + 59) ^ 8) % 256);
  CHECK_THROWS_AS(Image(5, 4, original.pixels()), Error);
  CHECK_THROWS_AS(Image(0, 4), Error);
  CHECK_THROWS_AS(Image(-1, -1), Error);
  CHECK_THROWS_AS(Image(Image::max_side + 1, 1), Error);
  CHECK_THROWS_AS(Image(Image::max_side, Image::max_side), Error);
  CHECK_THROWS_AS(copy.at(5, 0), Error);
  CHECK_THROWS_AS(copy.at(0, -1), Error);
  CHECK(Image().empty());
}

TEST_CASE("real photos have the colours that Pillow sees") {
  struct Photo {
    const char* name;
    int width, height;
    std::array<double, 3> mean;
  };
  const std::array photos{Photo{"both.png", 224, 224, {136.087, 116.817, 92.636}},
                          Photo{"dog_cat.jfif", 284, 177, {136.030, 120.869, 90.269}},
                          Photo{"horses.jpg", 425, 280, {134.516, 132.255, 112.424}}};
  for (const Photo& photo : photos) {
    CAPTURE(photo.name);
    const auto file = shared_data(std::string("photos/") + photo.name);
    if (!file) return;
    const Image image = Image::load(*file);
    CHECK(image.width() == photo.width);
    CHECK(image.height() == photo.height);
    std::array<double, 3> sum{};
    for (std::size_t i = 0; i < image.pixels().size(); ++i) sum[i % 3] += image.pixels()[i];
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(sum[c] / (photo.width * photo.height) == doctest::Approx(photo.mean[c]).epsilon(0.002));
    }
  }
}
