#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/error.hpp>

#include "image/bytes.hpp"
#include "image/exif.hpp"
#include "image/header.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

enum Marker : unsigned {
  sof0 = 0xC0,  // baseline; 0xC1 extended, 0xC2 progressive, the others to 0xCF unsupported
  sof2 = 0xC2,
  dht = 0xC4,  // Huffman tables
  jpg = 0xC8,
  dac = 0xCC,  // arithmetic coding
  sof15 = 0xCF,
  rst0 = 0xD0,
  rst7 = 0xD7,
  eoi = 0xD9,
  sos = 0xDA,   // a scan
  dqt = 0xDB,   // quantisation tables
  app1 = 0xE1,  // EXIF
  app14 = 0xEE  // Adobe
};

/// A progressive file has about ten scans, an optimised one a few more; each costs a pass over the image.
constexpr int kMaxScans = 100;

struct Component {
  unsigned id = 0;
  std::int64_t across = 1, down = 1;  ///< sampling factors
  unsigned quantisation = 0;
};

struct Frame {
  bool progressive = false;
  std::vector<Component> components;
};

/// Walks the segments of one file. Also refuses files for which stb_image 2.27 would read or write out of
/// bounds: Huffman tables with too many codes, and scans without their tables.
class JpegCheck {
 public:
  JpegCheck(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Header run() {
    for (unsigned marker = next_marker(); marker != eoi; marker = next_marker()) visit(marker, segment());
    if (scans_ == 0) fail("it holds no image data");
    check_amount();
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_ + ": damaged JPEG: " + what); }

  [[noreturn]] void fail_truncated() const {
    throw Error(name_ + ": truncated JPEG: the file ends after " + std::to_string(bytes_.size()) +
                " bytes, before its end-of-image marker");
  }

  unsigned next_byte() {
    if (at_ >= bytes_.size()) fail_truncated();
    return read_u8(bytes_, at_++);
  }

  unsigned next_marker() {
    unsigned byte = next_byte();
    while (byte != 0xFF) byte = next_byte();
    while (byte == 0xFF) byte = next_byte();
    return byte;
  }

  std::span<const std::byte> segment() {
    if (bytes_.size() - at_ < 2) fail_truncated();
    const std::size_t length = read_be16(bytes_, at_);  // includes itself
    if (length < 2) fail("a segment of impossible length");
    if (length > bytes_.size() - at_) fail_truncated();
    const auto payload = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    return payload;
  }

  void visit(unsigned marker, std::span<const std::byte> payload) {
    if (marker == dht) return read_huffman(payload);
    if (marker == dqt) return read_quantisation(payload);
    if (marker == sos) return read_scan(payload);
    if (marker == app1 && has_at(payload, 0, "Exif\0\0"sv))
      header_.orientation = exif_orientation(payload.subspan(6));
    if (marker == app14 && has_at(payload, 0, "Adobe"sv)) adobe_ = true;
    if (marker >= sof0 && marker <= sof15 && marker != jpg) read_frame(marker, payload);
  }

  void read_frame(unsigned marker, std::span<const std::byte> payload) {
    if (marker > sof2) {
      throw Error(name_ +
                  ": a JPEG with lossless, hierarchical or arithmetic coding, which is not supported; " +
                  "save it as a baseline or progressive JPEG, or as a PNG");
    }
    if (!frame_.components.empty()) fail("two frame headers");
    if (payload.size() < 6) fail("its frame header is too short");
    const unsigned precision = read_u8(payload, 0);
    if (precision != 8) {
      throw Error(name_ + ": a JPEG of " + std::to_string(precision) +
                  " bits per sample; only 8 are supported: save it with 8");
    }
    header_.height = read_be16(payload, 1);
    header_.width = read_be16(payload, 3);
    check_dimensions(header_.width, header_.height, name_);
    const std::size_t count = read_u8(payload, 5);
    if (payload.size() != 6 + 3 * count || (count != 1 && count != 3 && count != 4)) {
      fail("a frame of " + std::to_string(count) + " components; expected 1, 3 or 4");
    }
    if (count == 4 && !adobe_) {
      throw Error(name_ + ": a JPEG of four colour components without an Adobe marker that defines them; " +
                  "save it as RGB");
    }
    frame_.progressive = marker == sof2;
    for (std::size_t i = 0; i < count; ++i) read_component(payload.subspan(6 + 3 * i, 3));
  }

  void read_component(std::span<const std::byte> entry) {
    const unsigned sampling = read_u8(entry, 1);
    const Component component{read_u8(entry, 0), sampling >> 4, sampling & 15, read_u8(entry, 2)};
    const bool valid = component.across >= 1 && component.across <= 4 && component.down >= 1 &&
                       component.down <= 4 && component.quantisation <= 3;
    if (!valid) fail("impossible sampling factors");
    frame_.components.push_back(component);
  }

  /// Any number of tables, each with class and number, 16 counts of codes by length, and the codes' values.
  void read_huffman(std::span<const std::byte> payload) {
    while (!payload.empty()) {
      if (payload.size() < 17) fail("a Huffman table is truncated");
      const unsigned table_class = read_u8(payload, 0) >> 4, slot = read_u8(payload, 0) & 15;
      unsigned values = 0, code = 0;
      for (unsigned length = 1; length <= 16; ++length) {
        const unsigned count = read_u8(payload, length);
        values += count;
        code += count;
        if (code > 1U << length) fail("a Huffman table has too many codes");
        code <<= 1;
      }
      if (table_class > 1 || slot > 3 || values == 0 || values > 256 || payload.size() < 17 + values) {
        fail("an impossible Huffman table");
      }
      huffman_[table_class][slot] = true;
      payload = payload.subspan(17 + values);
    }
  }

  void read_quantisation(std::span<const std::byte> payload) {
    while (!payload.empty()) {
      const unsigned bytes_each = (read_u8(payload, 0) >> 4) + 1, slot = read_u8(payload, 0) & 15;
      if (bytes_each > 2 || slot > 3 || payload.size() < 1 + 64 * bytes_each)
        fail("an impossible quantisation table");
      quantisation_[slot] = true;
      payload = payload.subspan(1 + 64 * bytes_each);
    }
  }

  void read_scan(std::span<const std::byte> payload) {
    if (frame_.components.empty()) fail("image data before the frame header");
    if (++scans_ > kMaxScans) {
      throw Error(name_ + ": a JPEG of more than " + std::to_string(kMaxScans) + " scans; save it again");
    }
    const std::size_t count = payload.empty() ? 0 : read_u8(payload, 0);
    if (count < 1 || count > 4 || payload.size() != 4 + 2 * count) fail("an impossible scan header");
    const bool first_dc = read_u8(payload, 1 + 2 * count) == 0;
    const bool refines = read_u8(payload, 3 + 2 * count) >> 4 != 0;
    const bool needs_dc = !frame_.progressive || (first_dc && !refines);
    const bool needs_ac = !frame_.progressive || !first_dc;
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned id = read_u8(payload, 1 + 2 * i), tables = read_u8(payload, 2 + 2 * i);
      const unsigned dc = tables >> 4, ac = tables & 15;
      if (dc > 3 || ac > 3 || (needs_dc && !huffman_[0][dc]) || (needs_ac && !huffman_[1][ac])) {
        fail("a scan without its Huffman tables");
      }
      check_scan_component(id);
    }
    skip_entropy_coded();
  }

  void check_scan_component(unsigned id) const {
    const auto component = std::find_if(frame_.components.begin(), frame_.components.end(),
                                        [id](const Component& each) { return each.id == id; });
    if (component == frame_.components.end()) fail("a scan of a component that the frame does not have");
    if (!quantisation_[component->quantisation]) fail("a scan without its quantisation table");
  }

  /// Skips to the next marker other than a restart: 0xFF 0x00 is data, 0xFF 0xFF padding.
  void skip_entropy_coded() {
    const std::size_t begin = at_;
    for (;; ++at_) {
      if (bytes_.size() - at_ < 2) fail_truncated();
      const unsigned second = read_u8(bytes_, at_ + 1);
      if (read_u8(bytes_, at_) != 0xFF || second == 0x00 || second == 0xFF) continue;
      if (second < rst0 || second > rst7) break;
    }
    entropy_bytes_ += static_cast<std::int64_t>(at_ - begin);
  }

  /// Every 8x8 block takes at least two codes (progressive: one), so two bits. A file with fewer is
  /// truncated, or claims a huge image in a few bytes.
  void check_amount() const {
    std::int64_t max_across = 1, max_down = 1, blocks = 0;
    for (const Component& c : frame_.components) {
      max_across = std::max(max_across, c.across);
      max_down = std::max(max_down, c.down);
    }
    for (const Component& c : frame_.components) {
      blocks +=
          (header_.width * c.across / max_across + 7) / 8 * ((header_.height * c.down / max_down + 7) / 8);
    }
    const std::int64_t least_bits = blocks * (frame_.progressive ? 1 : 2);
    if (entropy_bytes_ * 8 < least_bits) {
      throw Error(name_ + ": truncated JPEG: " + std::to_string(entropy_bytes_) +
                  " bytes of image data are too few for " + std::to_string(header_.width) + "x" +
                  std::to_string(header_.height) + " pixels");
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t at_ = 2;  // after the start-of-image marker
  Header header_;
  Frame frame_;
  bool adobe_ = false;
  std::array<std::array<bool, 4>, 2> huffman_{};  ///< [DC, AC][slot]: defined
  std::array<bool, 4> quantisation_{};
  int scans_ = 0;
  std::int64_t entropy_bytes_ = 0;
};

}  // namespace

Header check_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  return JpegCheck(bytes, name).run();
}

}  // namespace ablaze::image
