#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/image.hpp>

namespace ablaze::testing {

using Bytes = std::vector<std::byte>;

/// A file of tests/data/image.
Bytes read_fixture(const std::string& name);
Image load_fixture(const std::string& name);
/// The raw RGB bytes of a fixture, computed by Pillow.
std::vector<std::uint8_t> golden_rgb(const std::string& name);
/// The raw little-endian floats computed by torchvision.
std::vector<float> golden_floats(const std::string& name);

/// The image pattern(width, height) of make_golden.py.
Image pattern(int width, int height);
/// An image of one colour.
Image flat(int width, int height, std::uint8_t red, std::uint8_t green, std::uint8_t blue);

struct Difference {
  int largest = 0;
  double mean = 0;
};
Difference difference(const Image& image, std::span<const std::uint8_t> rgb);

/// zlib's checksum.
std::uint32_t crc32(std::span<const std::uint8_t> bytes);

Bytes to_bytes(std::string_view text);
void append(Bytes& to, const Bytes& more);
/// The position of a JPEG's first marker of a kind.
std::ptrdiff_t find_marker(const Bytes& jpeg, unsigned char marker);
/// A JPEG without segments of one kind.
Bytes without_segments(Bytes jpeg, unsigned char marker);
/// A PNG chunk with its length and checksum.
Bytes png_chunk(std::string_view type, const Bytes& data);
/// Signature and header of an 8-bit PNG. Colour type 0: grey, 2: RGB.
Bytes png_start(std::uint32_t width, std::uint32_t height, std::uint8_t colour_type);
/// Updates the checksum of every chunk of a PNG.
void mend_checksums(Bytes& png);

}  // namespace ablaze::testing
