#include "image/pictures.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/files.hpp"
#include "image/bytes.hpp"
#include "support/shared_data.hpp"

namespace ablaze::testing {
namespace {

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

Bytes big_endian(std::uint32_t value) {
  return {std::byte(value >> 24), std::byte(value >> 16 & 255), std::byte(value >> 8 & 255),
          std::byte(value & 255)};
}

}  // namespace

std::uint32_t crc32(std::span<const std::uint8_t> bytes) { return crc_of(std::as_bytes(bytes)); }

Bytes read_fixture(const std::string& name) {
  return base::read_file(test_data("image/" + name), std::size_t{1} << 20);
}

Image load_fixture(const std::string& name) { return Image::load(test_data("image/" + name)); }

std::vector<std::uint8_t> golden_rgb(const std::string& name) {
  const Bytes bytes = read_fixture(name);
  std::vector<std::uint8_t> rgb(bytes.size());
  std::memcpy(rgb.data(), bytes.data(), bytes.size());
  return rgb;
}

std::vector<float> golden_floats(const std::string& name) {
  const Bytes bytes = read_fixture(name);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

Image pattern(int width, int height) {
  Image image(width, height);
  std::uint8_t* to = image.pixels().data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        *to++ = static_cast<std::uint8_t>(((x * 37 + y * 101 + c * 59) ^ (x * y)) & 255);
    }
  }
  return image;
}

Image flat(int width, int height, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  Image image(width, height);
  for (std::size_t i = 0; i < image.pixels().size(); i += 3) {
    image.pixels()[i] = red;
    image.pixels()[i + 1] = green;
    image.pixels()[i + 2] = blue;
  }
  return image;
}

Difference difference(const Image& image, std::span<const std::uint8_t> rgb) {
  REQUIRE(image.pixels().size() == rgb.size());
  Difference d;
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const int here = std::abs(int{image.pixels()[i]} - int{rgb[i]});
    d.largest = std::max(d.largest, here);
    d.mean += here;
  }
  d.mean /= static_cast<double>(rgb.size());
  return d;
}

Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

std::ptrdiff_t find_marker(const Bytes& jpeg, unsigned char marker) {
  const std::array wanted{std::byte{0xFF}, std::byte{marker}};
  const auto found = std::search(jpeg.begin(), jpeg.end(), wanted.begin(), wanted.end());
  REQUIRE(found != jpeg.end());
  return found - jpeg.begin();
}

Bytes without_segments(Bytes jpeg, unsigned char marker) {
  for (;;) {
    const std::array wanted{std::byte{0xFF}, std::byte{marker}};
    const auto found = std::search(jpeg.begin(), jpeg.end(), wanted.begin(), wanted.end());
    if (found == jpeg.end()) return jpeg;
    const auto length =
        std::to_integer<std::ptrdiff_t>(found[2]) * 256 + std::to_integer<std::ptrdiff_t>(found[3]);
    jpeg.erase(found, found + 2 + length);
  }
}

Bytes png_chunk(std::string_view type, const Bytes& data) {
  Bytes chunk = big_endian(static_cast<std::uint32_t>(data.size()));
  append(chunk, to_bytes(type));
  append(chunk, data);
  append(chunk, big_endian(crc_of(std::span(chunk).subspan(4))));
  return chunk;
}

Bytes png_start(std::uint32_t width, std::uint32_t height, std::uint8_t colour_type) {
  Bytes header = big_endian(width);
  append(header, big_endian(height));
  append(header, {std::byte{8}, std::byte{colour_type}, std::byte{0}, std::byte{0}, std::byte{0}});
  Bytes png = to_bytes("\x89PNG\r\n\x1A\n");
  append(png, png_chunk("IHDR", header));
  return png;
}

void mend_checksums(Bytes& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = image::read_be32(png, at);
    if (length > png.size() - at - 12) return;
    const Bytes crc = big_endian(crc_of(std::span(png).subspan(at + 4, 4 + length)));
    std::copy(crc.begin(), crc.end(), png.begin() + static_cast<std::ptrdiff_t>(at + 8 + length));
    at += 12 + length;
  }
}

}  // namespace ablaze::testing
