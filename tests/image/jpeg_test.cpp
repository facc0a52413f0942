#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "image/bytes.hpp"
#include "image/decode.hpp"
#include "image/orientation.hpp"
#include "image/pictures.hpp"
#include "support/message_of.hpp"
#include "support/shared_data.hpp"

using namespace ablaze;
using namespace ablaze::testing;
using image::JpegDecoder;
using image::Notes;

namespace {

/// Pillow's pixels of one of the files in tests/data/image/jpeg.
struct Golden {
  std::string name;
  int width = 0, height = 0;
  std::uint32_t crc = 0;
};

std::vector<Golden> golden_jpegs() {
  std::ifstream file(test_data("image/jpeg/golden.txt"));
  std::vector<Golden> all;
  for (Golden one; file >> one.name >> one.width >> one.height >> one.crc;) all.push_back(one);
  REQUIRE(all.size() > 40);
  return all;
}

Bytes read_jpeg(const std::string& name) { return read_fixture("jpeg/" + name + ".jpg"); }

bool has_libjpeg() { return image::jpeg_decoders().front() == JpegDecoder::libjpeg; }

Bytes from_hex(const std::string& digits) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

Bytes inserted(const Bytes& into, std::size_t at, const Bytes& piece) {
  Bytes bytes = into;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
  return bytes;
}

Bytes bytes_of(std::initializer_list<int> numbers) {
  Bytes bytes;
  for (const int number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

/// Where the segments before the first scan begin, and where that scan's data begin.
std::vector<std::size_t> segments_of(const Bytes& jpeg) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 2;;) {
    starts.push_back(at);
    const bool scan = image::read_u8(jpeg, at + 1) == 0xDA;
    at += 2 + image::read_be16(jpeg, at + 2);
    if (scan) {
      starts.push_back(at);
      return starts;
    }
  }
}

Bytes without_end(const Bytes& jpeg, const Bytes& instead = {}) {
  Bytes bytes(jpeg.begin(), jpeg.end() - 2);
  append(bytes, instead);
  return bytes;
}

/// Where the frame header begins.
std::size_t frame_of(const Bytes& jpeg) {
  const auto segments = segments_of(jpeg);
  return *std::find_if(segments.begin(), segments.end(), [&jpeg](std::size_t at) {
    const unsigned marker = image::read_u8(jpeg, at + 1);
    return marker >= 0xC0 && marker <= 0xC2;
  });
}

struct Decoded {
  Image image;
  Notes notes;
  std::string refusal;
};

Decoded decode(const Bytes& bytes, JpegDecoder decoder) {
  Decoded out;
  out.refusal = message_of([&] { out.image = image::decode(bytes, "holiday.jpg", out.notes, decoder); });
  return out;
}

std::string joined(const Notes& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "; ";
  return text;
}

/// An odd file shows the pixels of the file that it was made from, and a note where one is wanted.
void check_same(const Bytes& odd, const Bytes& plain, JpegDecoder decoder, const std::string& note) {
  const Decoded read = decode(odd, decoder);
  CAPTURE(read.refusal);
  CAPTURE(joined(read.notes));
  REQUIRE(read.refusal.empty());
  CHECK(difference(read.image, decode(plain, decoder).image.pixels()).largest == 0);
  if (note.empty()) {
    CHECK(read.notes.empty());
  } else {
    CHECK(joined(read.notes).find(note) != std::string::npos);
  }
}

void check_refused(const Bytes& bytes, JpegDecoder decoder, const std::string& because) {
  const Decoded read = decode(bytes, decoder);
  CAPTURE(read.refusal);
  CHECK(read.refusal.starts_with("holiday.jpg: "));
  CHECK(read.refusal.find(because) != std::string::npos);
}

/// Calls `check` for each decoder and file: baseline, progressive, with restarts, in several scans.
void for_each_kind(const std::function<void(const Bytes& jpeg, JpegDecoder decoder)>& check) {
  for (const JpegDecoder decoder : image::jpeg_decoders()) {
    for (const std::string name :
         {"420", "420-progressive", "restarts-420-1", "apart-420", "cmyk-plain", "grey"}) {
      CAPTURE(image::to_string(decoder));
      CAPTURE(name);
      check(read_jpeg(name), decoder);
    }
  }
}

}  // namespace

TEST_CASE("JPEGs of every kind decode to Pillow's pixels, bit for bit") {
  for (const JpegDecoder decoder : image::jpeg_decoders()) {
    if (decoder != JpegDecoder::libjpeg) continue;
    for (const Golden& golden : golden_jpegs()) {
      CAPTURE(golden.name);
      const Decoded read = decode(read_jpeg(golden.name), decoder);
      CHECK(read.refusal == "");
      CHECK(joined(read.notes) == "");
      REQUIRE(read.image.width() == golden.width);
      REQUIRE(read.image.height() == golden.height);
      CHECK(crc32(read.image.pixels()) == golden.crc);
    }
    for (const std::string name : {"baseline", "full-colour", "progressive", "grey", "cmyk"}) {
      CAPTURE(name);
      const Image image = decode(read_fixture(name + ".jpg"), decoder).image;
      CHECK(difference(image, golden_rgb(name + "-jpg.rgb")).largest == 0);
    }
  }
}

TEST_CASE("stb_image's pixels are near Pillow's") {
  // It rounds otherwise, and enlarges the chroma of a few samplings otherwise.
  for (const std::string name : {"baseline", "full-colour", "progressive", "grey", "cmyk"}) {
    CAPTURE(name);
    const Image image = decode(read_fixture(name + ".jpg"), JpegDecoder::stb).image;
    const Difference d = difference(image, golden_rgb(name + "-jpg.rgb"));
    CHECK(d.mean < 0.6);
    CHECK(d.largest <= 4);
  }
  if (!has_libjpeg()) return;
  for (const Golden& golden : golden_jpegs()) {
    CAPTURE(golden.name);
    const Bytes jpeg = read_jpeg(golden.name);
    const Image theirs = decode(jpeg, JpegDecoder::libjpeg).image;
    const Decoded ours = decode(jpeg, JpegDecoder::stb);
    REQUIRE(ours.refusal == "");
    CHECK(difference(theirs, ours.image.pixels()).mean < 8);
  }
}

TEST_CASE("the decoder of this build has a name") {
  CHECK(jpeg_decoder() == image::to_string(image::jpeg_decoders().front()));
  CHECK(jpeg_decoder().starts_with(has_libjpeg() ? "libjpeg-turbo " : "stb_image 2."));
  CHECK(image::to_string(JpegDecoder::stb).starts_with("stb_image 2."));
}

TEST_CASE("EXIF, in segments, chunks and text, turns pictures as Pillow does") {
  const Bytes jpeg = read_fixture("turned.jpg"), png = read_fixture("turned.png");
  const auto chunk_at = [&png](std::string_view type) {
    const Bytes wanted = to_bytes(type);
    return static_cast<std::size_t>(std::search(png.begin(), png.end(), wanted.begin(), wanted.end()) -
                                    png.begin()) -
           4;
  };
  std::ifstream file(test_data("image/orientations.txt"));
  std::size_t count = 0;
  for (std::string name, before, behind, line; std::getline(file, line); ++count) {
    CAPTURE(line);
    int orientation = 0;
    std::istringstream(line) >> name >> orientation >> before >> behind;
    const bool is_jpeg = name == "turned.jpg";
    const Bytes& plain = is_jpeg ? jpeg : png;
    Bytes bytes = inserted(plain, is_jpeg ? plain.size() : chunk_at("IEND"), from_hex(behind));
    bytes = inserted(bytes, is_jpeg ? 2 : chunk_at("IDAT"), from_hex(before));
    for (const JpegDecoder decoder : image::jpeg_decoders()) {
      const Decoded read = decode(bytes, decoder);
      REQUIRE(read.refusal == "");
      const Image expected = image::oriented(decode(plain, decoder).image, orientation);
      REQUIRE(read.image.width() == expected.width());
      CHECK(difference(read.image, expected.pixels()).largest == 0);
    }
  }
  CHECK(count > 200);
}

TEST_CASE("what stands between the segments of a JPEG is skipped") {
  for_each_kind([](const Bytes& jpeg, JpegDecoder decoder) {
    const auto segments = segments_of(jpeg);
    for (std::size_t i = 1; i + 1 < segments.size(); ++i) {  // sniffing needs the first marker
      CAPTURE(i);
      check_same(inserted(jpeg, segments[i], bytes_of({0xFF, 0x00})), jpeg, decoder, "2 bytes between");
      check_same(inserted(jpeg, segments[i], bytes_of({0, 0, 0xFF, 0x00, 0})), jpeg, decoder,
                 "5 bytes between");
      check_same(inserted(jpeg, segments[i], to_bytes("junk")), jpeg, decoder, "4 bytes between");
      check_same(inserted(jpeg, segments[i], bytes_of({0xFF, 0xFF, 0xFF})), jpeg, decoder, "");
      check_same(inserted(jpeg, segments[i], bytes_of({0xFF, 0xD3})), jpeg, decoder, "");
    }
    check_same(without_end(jpeg, bytes_of({0xFF, 0xFE, 0, 5, 1, 2, 3, 0xFF, 0xD9})), jpeg, decoder, "");
  });
}

TEST_CASE("bytes behind a JPEG's end are not read, and noted where they are neither zeros nor a JPEG") {
  for_each_kind([](const Bytes& jpeg, JpegDecoder decoder) {
    const auto followed_by = [&jpeg](const Bytes& more) { return inserted(jpeg, jpeg.size(), more); };
    check_same(followed_by(to_bytes("trailing")), jpeg, decoder, "8 bytes follow");
    check_same(followed_by(bytes_of({0xFF, 0xC0, 0xFF})), jpeg, decoder, "3 bytes follow");
    check_same(followed_by(Bytes(100)), jpeg, decoder, "");
    check_same(followed_by(jpeg), jpeg, decoder, "");
  });
}

TEST_CASE("a JPEG with all its rows is read, however it ends") {
  for_each_kind([](const Bytes& jpeg, JpegDecoder decoder) {
    const std::string no_end = "no end-of-image marker";
    if (decoder == JpegDecoder::stb && image::read_u8(jpeg, frame_of(jpeg) + 1) == 0xC2) {
      return check_refused(without_end(jpeg), decoder,
                           "truncated JPEG");  // it cannot tell whether a scan is missing
    }
    check_same(without_end(jpeg), jpeg, decoder, no_end);
    check_same(without_end(jpeg, bytes_of({0xFF})), jpeg, decoder, no_end);
    check_same(without_end(jpeg, bytes_of({0xFF, 0xFF, 0xFF})), jpeg, decoder, no_end);
    check_same(without_end(jpeg, Bytes(50)), jpeg, decoder, no_end);
    check_same(without_end(jpeg, to_bytes("a trailer of some camera")), jpeg, decoder, no_end);
    check_same(without_end(jpeg, bytes_of({1, 2, 0xFF, 0xE1, 0, 4, 5, 6, 7})), jpeg, decoder, no_end);
    check_same(without_end(jpeg, bytes_of({0xFF, 0xFF, 0xFF, 0xD9})), jpeg, decoder, "");
    if (decoder == JpegDecoder::stb) return;
    check_same(without_end(jpeg, bytes_of({0xFF, 0xE1, 0xFF, 0xFF, 5, 6, 7})), jpeg, decoder, no_end);
    check_same(without_end(jpeg, jpeg), jpeg, decoder, "not what follows");
    check_same(without_end(jpeg, bytes_of({0xFF, 0xC9, 0, 3, 1})), jpeg, decoder, "not what follows");
    Bytes stray = Bytes(30, std::byte{7});
    append(stray, bytes_of({0xFF, 0x00, 0xFF, 0xD9}));
    check_same(without_end(jpeg, stray), jpeg, decoder, "between its segments");
  });
}

TEST_CASE("a JPEG that lacks rows or scans is refused, and says where it ends") {
  const Bytes end = bytes_of({0xFF, 0xD9}), restart = bytes_of({0xFF, 0xD1});
  for_each_kind([&end, &restart](const Bytes& jpeg, JpegDecoder decoder) {
    const std::size_t data = segments_of(jpeg).back();
    for (const std::size_t size : {data + 1, data + (jpeg.size() - data) / 3, jpeg.size() - 3}) {
      CAPTURE(size);
      Bytes cut(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(decode(cut, decoder).refusal.empty());
    }
    // A marker at its end does not replace the rows.
    Bytes cut(jpeg.begin(), jpeg.end() - 4);
    append(cut, end);
    check_refused(cut, decoder, decoder == JpegDecoder::stb ? "truncated" : "ends at row ");
    // Nor do fewer restarts.
    const auto last = std::find_end(jpeg.begin(), jpeg.end(), restart.begin(), restart.end());
    if (last == jpeg.end()) return;
    cut.assign(jpeg.begin(), last);
    append(cut, end);
    check_refused(cut, decoder, decoder == JpegDecoder::stb ? "restart markers" : "ends at row ");
  });
  if (!has_libjpeg()) return;
  Bytes half = read_jpeg("420");
  half.resize(segments_of(half).back() + 200);
  check_refused(half, JpegDecoder::libjpeg, "ends at row 16 of 37");

  // Whole scans, and no more of them.
  for (const std::string name : {"420-progressive", "apart-420"}) {
    const Bytes jpeg = read_jpeg(name);
    const std::size_t first = segments_of(jpeg).back();
    std::size_t scan_end = first;
    while (image::read_u8(jpeg, scan_end) != 0xFF || image::read_u8(jpeg, scan_end + 1) == 0) ++scan_end;
    const Bytes one(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(scan_end));
    check_refused(one, JpegDecoder::libjpeg, "ends after 1 scan");
    CHECK(decode(inserted(one, one.size(), end), JpegDecoder::libjpeg).refusal.empty() ==
          (name == "420-progressive"));
  }
}

TEST_CASE("damage that a decoder overcomes is noted") {
  if (!has_libjpeg()) return;
  // A restart marker with another number: the decoder goes on with the next.
  Bytes jpeg = read_jpeg("restarts-444-1");
  *(jpeg.begin() + find_marker(jpeg, 0xD2) + 1) = std::byte{0xD6};
  const Decoded read = decode(jpeg, JpegDecoder::libjpeg);
  CHECK(read.refusal == "");
  CHECK(joined(read.notes).find("may be wrong") != std::string::npos);
  CHECK(joined(read.notes).find(" of 37") != std::string::npos);
}

TEST_CASE("Huffman tables may be empty, and the standard ones may be missing") {
  for_each_kind([](const Bytes& jpeg, JpegDecoder decoder) {
    Bytes empty = bytes_of({0xFF, 0xC4, 0, 19, 0x13});
    append(empty, Bytes(16));
    const Bytes nothing = bytes_of({0xFF, 0xC4, 0, 2});
    for (const std::size_t at : segments_of(jpeg)) {
      if (at == segments_of(jpeg).back()) break;
      if (at == 2) continue;
      check_same(inserted(jpeg, at, empty), jpeg, decoder, "");
      check_same(inserted(jpeg, at, nothing), jpeg, decoder, "");
    }
    // In front of a table in the same segment.
    const auto dht = static_cast<std::size_t>(find_marker(jpeg, 0xC4));
    Bytes both = jpeg;
    Bytes table = bytes_of({0x12});
    append(table, Bytes(16));
    both = inserted(both, dht + 4, table);
    const unsigned length = image::read_be16(jpeg, dht + 2) + 17;
    both[dht + 2] = static_cast<std::byte>(length >> 8);
    both[dht + 3] = static_cast<std::byte>(length & 255);
    check_same(both, jpeg, decoder, "");
  });
  for (const JpegDecoder decoder : image::jpeg_decoders()) {
    for (const std::string name :
         {"420", "444", "restarts-420-3", "grey", "cmyk", "ycck-plain", "apart-411"}) {
      CAPTURE(name);
      const Bytes jpeg = read_jpeg(name);
      check_same(without_segments(jpeg, 0xC4), jpeg, decoder, "");
    }
    check_refused(without_segments(read_jpeg("420-progressive"), 0xC4), decoder, "Huffman");
  }
}

TEST_CASE("four components are CMYK or YCCK by their Adobe segment, as libjpeg takes them") {
  for (const JpegDecoder decoder : image::jpeg_decoders()) {
    CAPTURE(image::to_string(decoder));
    // Without one they are CMYK; with one of an unknown transform, YCCK.
    const Bytes cmyk = read_jpeg("cmyk"), ycck = read_jpeg("ycck");
    check_same(without_segments(cmyk, 0xEE), cmyk, decoder, "");
    Bytes unknown = ycck;
    unknown[static_cast<std::size_t>(find_marker(ycck, 0xEE)) + 15] = std::byte{1};
    check_same(unknown, ycck, decoder, "");
  }
}
