#include <algorithm>
#include <array>
#include <random>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "image/decode.hpp"
#include "image/pictures.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;
using namespace std::string_view_literals;
using image::JpegDecoder;

namespace {

std::string refusal_of(const Bytes& bytes, JpegDecoder decoder) {
  image::Notes notes;
  return message_of([&] { image::decode(bytes, "holiday.jpg", notes, decoder); });
}

/// By the decoder that this build uses.
std::string refusal_of(const Bytes& bytes) { return refusal_of(bytes, image::jpeg_decoders().front()); }

/// By every decoder.
void check_refused(const Bytes& bytes, std::string_view because) {
  for (const JpegDecoder decoder : image::jpeg_decoders()) {
    const std::string message = refusal_of(bytes, decoder);
    CAPTURE(image::to_string(decoder));
    CAPTURE(message);
    CHECK(message.starts_with("holiday.jpg: "));
    CHECK(message.find(because) != std::string::npos);
  }
}

/// A deflate stream of `blocks` x 258 zeros, in fixed Huffman codes of 13 bits each: the densest that the
/// format allows without dynamic codes.
Bytes deflated_zeros(int blocks) {
  Bytes bytes = to_bytes("\x78\x9C");
  unsigned bit_count = 0, current = 0;
  const auto put = [&](unsigned bit) {
    current |= bit << bit_count;
    if (++bit_count < 8) return;
    bytes.push_back(static_cast<std::byte>(current));
    bit_count = current = 0;
  };
  const auto code = [&](unsigned value, int bits) {
    for (int i = bits - 1; i >= 0; --i) put(value >> i & 1);
  };
  code(0b110, 3);       // the last block; fixed codes
  code(0b00110000, 8);  // a zero
  for (int i = 0; i < blocks; ++i) {
    code(0b11000101, 8);  // length 258
    code(0, 5);           // distance 1
  }
  code(0, 7);
  while (bit_count != 0) put(0);
  append(bytes, Bytes(4));  // a checksum that the decoder ignores
  return bytes;
}

}  // namespace

TEST_CASE("what is no picture is named for what it looks like") {
  check_refused({}, "empty");
  check_refused(to_bytes("Dear diary,\ntoday I"), "text");
  check_refused(to_bytes("GIF89a..........."), "GIF");
  check_refused(to_bytes("RIFF\1\2\3\4WEBPVP8 "), "WebP");
  check_refused(to_bytes("BM............."), "BMP");
  check_refused(to_bytes("\0\0\0\x18"
                         "ftypheic"sv),
                "HEIC");
  check_refused(to_bytes("\0\0\0\x18"
                         "ftypavif"sv),
                "AVIF");
  check_refused(to_bytes("\0\0\0\x18"
                         "ftypisom"sv),
                "video");
  check_refused(to_bytes("II*\0\1\1\1\1"sv), "TIFF");
  check_refused(to_bytes("%PDF-1.7"), "PDF");
  check_refused(to_bytes("\x93NUMPY\1"), "NumPy");
  check_refused(Bytes(100), "unknown binary data");
  check_refused(to_bytes("\x89PNG\n\x1A\n........"), "text-mode transfer");
  CHECK(refusal_of(to_bytes("GIF89a...........")).find("JPEG or PNG") != std::string::npos);
}

TEST_CASE("a huge picture is refused by its header, before anything is allocated") {
  check_refused(png_start(60'000, 60'000, 2), "60000x60000");
  check_refused(png_start(16'384, 16'384, 2), "too large");
  check_refused(png_start(0xFFFFFFFF, 1, 2), "too large");
  check_refused(png_start(0, 10, 2), "at least 1x1");
  Bytes jpeg = read_fixture("baseline.jpg");
  const std::ptrdiff_t frame = find_marker(jpeg, 0xC0);
  for (std::ptrdiff_t i = 5; i < 9; ++i) jpeg[frame + i] = std::byte{0xFF};
  check_refused(jpeg, "65535x65535");
}

TEST_CASE("a few bytes that claim to be a large picture are refused") {
  Bytes png = png_start(8'000, 8'000, 2);
  append(png, png_chunk("IDAT", deflated_zeros(10)));
  append(png, png_chunk("IEND", {}));
  check_refused(png, "too few");

  for (const std::string name : {"baseline.jpg", "progressive.jpg"}) {
    Bytes jpeg = read_fixture(name);
    const std::ptrdiff_t frame = find_marker(jpeg, name == "baseline.jpg" ? 0xC0 : 0xC2);
    jpeg[frame + 5] = jpeg[frame + 7] = std::byte{0x1F};
    check_refused(jpeg, "too few");
  }
}

TEST_CASE("a PNG whose data expands without bound is stopped") {
  Bytes png = png_start(4, 4, 0);
  append(png, png_chunk("IDAT", deflated_zeros(200'000)));
  append(png, png_chunk("IEND", {}));
  check_refused(png, "more memory");
}

TEST_CASE("truncated files are refused wherever they are cut") {
  for (const std::string name : {"rgb.png", "palette-transparent.png", "interlaced.png", "baseline.jpg",
                                 "progressive.jpg", "cmyk.jpg"}) {
    CAPTURE(name);
    const Bytes whole = read_fixture(name);
    CHECK(refusal_of(whole).empty());
    // A JPEG without its end-of-image marker has all its rows.
    const std::size_t needed = whole.size() - (name.ends_with("jpg") ? 2 : 0);
    for (std::size_t size = 0; size < needed; ++size) {
      CAPTURE(size);
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      for (const JpegDecoder decoder : image::jpeg_decoders())
        REQUIRE_FALSE(refusal_of(cut, decoder).empty());
    }
  }
  Bytes png = read_fixture("rgb.png");
  png.erase(png.begin() + static_cast<std::ptrdiff_t>(png.size() / 2), png.end());
  check_refused(png, "truncated PNG");
  Bytes jpeg = read_fixture("baseline.jpg");
  jpeg.erase(jpeg.end() - 100, jpeg.end());
  check_refused(jpeg, "truncated JPEG");
}

TEST_CASE("bytes behind a picture's end do no harm") {
  for (const std::string name : {"rgb.png", "progressive.jpg"}) {
    Bytes bytes = read_fixture(name);
    append(bytes, Bytes(1000, std::byte{0xAB}));
    for (const JpegDecoder decoder : image::jpeg_decoders()) CHECK(refusal_of(bytes, decoder).empty());
  }
}

TEST_CASE("a damaged PNG is known by its checksums") {
  Bytes png = read_fixture("rgb.png");
  png[png.size() / 2] ^= std::byte{1};
  check_refused(png, "checksum");
}

TEST_CASE("pictures that no longer are what a decoder takes for granted are refused") {
  const Bytes jpeg = read_fixture("baseline.jpg");
  check_refused(without_segments(read_fixture("progressive.jpg"), 0xC4), "Huffman");
  check_refused(without_segments(jpeg, 0xDB), "uanti");  // in words of the one decoder or the other
  check_refused(without_segments(jpeg, 0xC0), "before the frame");

  Bytes crowded = jpeg;  // a table of 16 x 255 codes
  const std::ptrdiff_t table = find_marker(crowded, 0xC4);
  std::fill_n(crowded.begin() + table + 5, 16, std::byte{0xFF});
  check_refused(crowded, "Huffman");

  Bytes no_height = jpeg;
  no_height[find_marker(no_height, 0xC0) + 5] = no_height[find_marker(no_height, 0xC0) + 6] = std::byte{0};
  check_refused(no_height, "DNL");

  Bytes arithmetic = jpeg;
  arithmetic[find_marker(arithmetic, 0xC0) + 1] = std::byte{0xC9};
  check_refused(arithmetic, "arithmetic");

  Bytes twelve_bits = jpeg;
  twelve_bits[find_marker(twelve_bits, 0xC0) + 4] = std::byte{12};
  check_refused(twelve_bits, "12 bits");

  Bytes apple = to_bytes("\x89PNG\r\n\x1A\n");
  append(apple, png_chunk("CgBI", Bytes(4)));
  check_refused(apple, "Apple");

  Bytes critical = png_start(1, 1, 0);
  append(critical, png_chunk("ABCD", {}));
  append(critical, png_chunk("IEND", {}));
  check_refused(critical, "critical");

  Bytes no_data = png_start(1, 1, 0);
  append(no_data, png_chunk("IEND", {}));
  check_refused(no_data, "IDAT");
}

TEST_CASE("a JPEG of endless scans is refused") {
  const Bytes jpeg = read_fixture("progressive.jpg");
  const std::ptrdiff_t first = find_marker(jpeg, 0xDA);
  Bytes many(jpeg.begin(), jpeg.end() - 2);
  for (int i = 0; i < 101; ++i) many.insert(many.end(), jpeg.begin() + first, jpeg.begin() + first + 40);
  append(many, to_bytes("\xFF\xD9"));
  check_refused(many, "");
}

TEST_CASE("folders and missing files are refused by name") {
  const TemporaryDirectory folder;
  CHECK_THROWS_AS(Image::load(folder.path()), Error);
  CHECK(message_of([&] { Image::load(folder / "no.png"); }).find("no.png") != std::string::npos);
}

// Run with AddressSanitizer, this finds faults of the decoder on damaged photos.
TEST_CASE("thousands of damaged pictures decode or throw") {
  std::mt19937 random(20'261'123);
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  int decoded = 0, refused = 0;
  for (const std::string name :
       {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "orientation.jpg", "rgb.png", "rgb16.png",
        "interlaced.png", "palette-transparent.png", "bilevel.png", "colour-key.png"}) {
    const Bytes whole = read_fixture(name);
    for (int round = 0; round < 400; ++round) {
      Bytes bytes = whole;
      for (std::size_t changes = 1 + below(6); changes > 0; --changes) {
        const std::size_t at = below(bytes.size());
        switch (below(5)) {
          case 0:
            bytes[at] = static_cast<std::byte>(random());
            break;
          case 1:
            bytes[at] ^= static_cast<std::byte>(1 << below(8));
            break;
          case 2:
            bytes[at] = below(2) == 0 ? std::byte{0} : std::byte{0xFF};
            break;
          case 3:
            bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
            break;
          default:
            bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes[below(bytes.size())]);
        }
      }
      if (name.ends_with("png") && round % 4 != 0) mend_checksums(bytes);
      for (const JpegDecoder decoder : image::jpeg_decoders()) {
        image::Notes notes;
        try {
          const Image image = image::decode(bytes, name, notes, decoder);
          REQUIRE_FALSE(image.empty());
          ++decoded;
        } catch (const Error&) {
          ++refused;
        }
      }
    }
  }
  MESSAGE(decoded << " decoded, " << refused << " refused");
  CHECK(decoded > 100);
  CHECK(refused > 100);
}
