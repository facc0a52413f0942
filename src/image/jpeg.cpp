#include "image/jpeg.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/error.hpp>

#include "image/bytes.hpp"
#include "image/exif.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

enum Marker : unsigned {
  tem = 0x01,   // temporary, without a segment as the restarts are
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
  dri = 0xDD,   // restart interval
  dqt = 0xDB,   // quantisation tables
  app1 = 0xE1,  // EXIF
  app14 = 0xEE  // Adobe
};

/// The Huffman tables of the standard (T.81, K.3 to K.6). Frames of Motion JPEG leave them out.
constexpr std::array<std::uint8_t, 432> kStandardTables{
    0xFF, 0xC4, 0x00, 0x1F, 0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0xFF,
    0xC4, 0x00, 0xB5, 0x10, 0x00, 0x02, 0x01, 0x03, 0x03, 0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00,
    0x00, 0x01, 0x7D, 0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51,
    0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1,
    0xF0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A,
    0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73,
    0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93,
    0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2,
    0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA,
    0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8,
    0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFF, 0xC4, 0x00, 0x1F, 0x01,
    0x00, 0x03, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0xFF, 0xC4, 0x00, 0xB5, 0x11, 0x00,
    0x02, 0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77, 0x00, 0x01,
    0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32,
    0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35,
    0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56,
    0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77,
    0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5,
    0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4,
    0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3,
    0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA};

/// An Adobe segment. Its last byte is the transform: none, so four components are CMYK.
constexpr std::array<std::uint8_t, 16> kAdobeSegment{0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100};

constexpr std::array<std::uint8_t, 2> kEndMarker{0xFF, eoi};

std::span<const std::byte> bytes_of(std::span<const std::uint8_t> numbers) { return std::as_bytes(numbers); }

constexpr std::size_t kHuffmanHeader = 17;  ///< class and number, 16 counts

struct Component {
  unsigned id = 0;
  std::int64_t across = 1, down = 1;  ///< sampling factors
  unsigned quantisation = 0;
  bool scanned = false;
};

struct Frame {
  bool progressive = false;
  std::vector<Component> components;
};

/// Walks the segments of one file.
class JpegWalk {
 public:
  JpegWalk(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  /// To the first scan; tables are left to the decoder.
  Header header() {
    for (unsigned marker = next_marker(); marker != sos; marker = next_marker()) {
      if (marker == eoi) fail("it holds no image data");
      visit_header(marker, segment());
    }
    if (frame_.components.empty()) fail("image data before the frame header");
    entropy_bytes_ = static_cast<std::int64_t>(bytes_.size() - at_);
    check_amount();
    return header_;
  }

  /// To the end, with all that stb_image takes for granted.
  CheckedJpeg check(Notes& notes) {
    for (unsigned marker = next_marker(); marker != eoi; marker = next_marker()) visit(marker, segment());
    if (ended_) {
      begin_mending();
      insert(mended_.size(), bytes_of(kEndMarker));
      note_missing_end(notes);
    } else {
      keep(2);
    }
    if (scans_ == 0) fail("it holds no image data");
    check_amount();
    if (frame_.components.size() == 4) name_four_components();
    if (stray_bytes_ > 0) note_stray_bytes(stray_bytes_, notes);
    note_trailing_bytes(bytes_.subspan(at_), notes);
    return {header_, std::move(mended_), std::move(scan_ends_)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_ + ": damaged JPEG: " + what); }

  [[noreturn]] void fail_truncated() const {
    throw Error(name_ + ": truncated JPEG: the file ends after " + std::to_string(bytes_.size()) +
                " bytes, before its end-of-image marker");
  }

  /// Behind the last byte: an end-of-image marker, if all rows can be there.
  unsigned next_byte() {
    if (at_ < bytes_.size()) return read_u8(bytes_, at_++);
    if (!may_end()) fail_truncated();
    ended_ = true;
    end_given_ = !end_given_;
    return kEndMarker[end_given_ ? 0 : 1];
  }

  /// Whether every component has a scan with all its details.
  bool may_end() const {
    return scans_ > 0 && !frame_.progressive &&
           std::all_of(frame_.components.begin(), frame_.components.end(),
                       [](const Component& each) { return each.scanned; });
  }

  /// The next marker that begins a segment or ends the image. As libjpeg, skips what stands between segments:
  /// any bytes, FF 00, and padding; FF alone is padding that the format allows.
  unsigned next_marker() {
    for (;;) {
      unsigned byte = next_byte();
      for (; byte != 0xFF; byte = next_byte()) ++stray_bytes_;
      while (byte == 0xFF) byte = next_byte();
      if (byte == 0) {
        stray_bytes_ += 2;
      } else if (byte != tem && (byte < rst0 || byte > rst7)) {
        return byte;
      }
    }
  }

  /// The content of the segment whose marker was read.
  std::span<const std::byte> segment() {
    if (bytes_.size() - at_ < 2) fail_truncated();
    const std::size_t length = read_be16(bytes_, at_);  // includes itself
    if (length < 2) fail("a segment of impossible length");
    if (length > bytes_.size() - at_) fail_truncated();
    const auto payload = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    return payload;
  }

  /// Keeps the last `size` bytes before at_ for the mended file, which begins with the first gap.
  void keep(std::size_t size) {
    const std::size_t begin = at_ - size;
    if (begin != kept_end_ || !mended_.empty()) {
      begin_mending();
      const auto piece = bytes_.subspan(begin, size);
      mended_.insert(mended_.end(), piece.begin(), piece.end());
    }
    kept_end_ = at_;
  }

  void begin_mending() {
    if (!mended_.empty()) return;
    const auto before = bytes_.first(kept_end_);
    mended_.assign(before.begin(), before.end());
  }

  void insert(std::size_t at, std::span<const std::byte> piece) {
    begin_mending();
    mended_.insert(mended_.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
  }

  /// As libjpeg takes them: CMYK without an Adobe segment, YCCK with one that does not say CMYK. stb_image
  /// goes by the last such segment.
  void name_four_components() {
    if (adobe_transform_ == 0 || adobe_transform_ == 2) return;
    auto segment = kAdobeSegment;
    if (adobe_transform_) segment.back() = 2;
    begin_mending();
    insert(mended_.size() - 2, bytes_of(segment));
  }

  void visit_header(unsigned marker, std::span<const std::byte> payload) {
    if (marker == app1 && !exif_found_ && has_at(payload, 0, "Exif\0"sv)) {
      exif_found_ = true;  // the first counts, even where it is damaged
      header_.orientation = prefixed_exif_orientation(payload).value_or(1);
    }
    if (marker == app14 && has_at(payload, 0, "Adobe"sv) && payload.size() >= 12)
      adobe_transform_ = read_u8(payload, 11);
    if (marker >= sof0 && marker <= sof15 && marker != dht && marker != jpg) read_frame(marker, payload);
  }

  void visit(unsigned marker, std::span<const std::byte> payload) {
    if (marker == dht) return read_huffman(payload);
    if (marker == sos) {
      begin_scan(payload);
      keep(payload.size() + 4);
      const std::int64_t restarts = skip_entropy_coded();
      scan_ends_.push_back(mended_.empty() ? at_ : mended_.size());
      return check_restarts(payload, restarts);
    }
    if (marker == dri && payload.size() == 2) restart_interval_ = read_be16(payload, 0);
    if (marker == dqt) read_quantisation(payload);
    if (scans_ == 0 || marker < app1)
      visit_header(marker, payload);  // Pillow reads EXIF before the first scan
    keep(payload.size() + 4);
  }

  void read_frame(unsigned marker, std::span<const std::byte> payload) {
    if (marker > sof2) {  // also 0xCC, which arithmetic coding needs
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
    if (header_.height == 0) {
      throw Error(
          name_ +
          ": a JPEG that tells its height only behind its image data (DNL), which is not supported; " +
          "save it again");
    }
    check_dimensions(header_.width, header_.height, name_);
    const std::size_t count = read_u8(payload, 5);
    if (payload.size() != 6 + 3 * count || (count != 1 && count != 3 && count != 4)) {
      fail("a frame of " + std::to_string(count) + " components; expected 1, 3 or 4");
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
  /// An empty table defines nothing and is left out.
  void read_huffman(std::span<const std::byte> payload) {
    const std::size_t segment_bytes = payload.size() + 4;
    bool empty = false;
    std::vector<std::byte> kept;
    while (!payload.empty()) {
      const std::size_t size = read_huffman_table(payload);
      if (size == kHuffmanHeader) {
        empty = true;
      } else {
        kept.insert(kept.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
      }
      payload = payload.subspan(size);
    }
    if (!empty) return keep(segment_bytes);
    begin_mending();
    if (kept.empty()) return;
    const std::size_t length = kept.size() + 2;
    const std::array head{std::byte{0xFF}, std::byte{dht}, static_cast<std::byte>(length >> 8),
                          static_cast<std::byte>(length & 255)};
    mended_.insert(mended_.end(), head.begin(), head.end());
    mended_.insert(mended_.end(), kept.begin(), kept.end());
  }

  /// The bytes of the first table.
  std::size_t read_huffman_table(std::span<const std::byte> payload) {
    if (payload.size() < kHuffmanHeader) fail("a Huffman table is truncated");
    const unsigned table_class = read_u8(payload, 0) >> 4, slot = read_u8(payload, 0) & 15;
    unsigned values = 0, code = 0;
    for (unsigned length = 1; length <= 16; ++length) {
      const unsigned count = read_u8(payload, length);
      values += count;
      code += count;
      if (code > 1U << length) fail("a Huffman table has too many codes");
      code <<= 1;
    }
    if (table_class > 1 || slot > 3 || values > 256 || payload.size() < kHuffmanHeader + values) {
      fail("an impossible Huffman table");
    }
    huffman_[table_class][slot] = values > 0;
    any_huffman_ = true;
    return kHuffmanHeader + values;
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

  void begin_scan(std::span<const std::byte> payload) {
    if (frame_.components.empty()) fail("image data before the frame header");
    if (!any_huffman_ && !frame_.progressive) supply_standard_tables();
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
  }

  void supply_standard_tables() {
    begin_mending();
    const auto tables = bytes_of(kStandardTables);
    mended_.insert(mended_.end(), tables.begin(), tables.end());
    for (auto& of_class : huffman_) of_class[0] = of_class[1] = true;
    any_huffman_ = true;
  }

  void check_scan_component(unsigned id) {
    const auto component = std::find_if(frame_.components.begin(), frame_.components.end(),
                                        [id](const Component& each) { return each.id == id; });
    if (component == frame_.components.end()) fail("a scan of a component that the frame does not have");
    if (!quantisation_[component->quantisation]) fail("a scan without its quantisation table");
    component->scanned = true;
  }

  /// Skips to the next marker other than a restart: 0xFF 0x00 is data, 0xFF 0xFF padding.
  /// Returns their number.
  std::int64_t skip_entropy_coded() {
    const std::size_t begin = at_;
    std::int64_t restarts = 0;
    for (;; ++at_) {
      if (bytes_.size() - at_ < 2) {
        if (!may_end()) fail_truncated();
        if (at_ < bytes_.size() && read_u8(bytes_, at_) != 0xFF) ++at_;
        break;
      }
      const unsigned second = read_u8(bytes_, at_ + 1);
      if (read_u8(bytes_, at_) != 0xFF || second == 0x00 || second == 0xFF) continue;
      if (second < rst0 || second > rst7) break;
      ++restarts;
    }
    entropy_bytes_ += static_cast<std::int64_t>(at_ - begin);
    keep(at_ - begin);
    return restarts;
  }

  /// stb_image ends a scan where a restart marker is missing, and does not tell.
  void check_restarts(std::span<const std::byte> scan, std::int64_t restarts) const {
    if (restart_interval_ == 0) return;
    const std::int64_t blocks = blocks_of(scan),
                       wanted = (blocks + restart_interval_ - 1) / restart_interval_ - 1;
    if (restarts >= wanted) return;
    throw Error(name_ + ": truncated JPEG: a scan has " + std::to_string(restarts) + " of its " +
                std::to_string(wanted) + " restart markers; get the whole file");
  }

  /// The units of one scan that a restart interval counts.
  std::int64_t blocks_of(std::span<const std::byte> scan) const {
    std::int64_t across = 1, down = 1;  // the largest sampling factors
    for (const Component& c : frame_.components) {
      across = std::max(across, c.across);
      down = std::max(down, c.down);
    }
    const auto divided = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    if (read_u8(scan, 0) > 1) return divided(header_.width, 8 * across) * divided(header_.height, 8 * down);
    const unsigned id = read_u8(scan, 1);
    const auto c = std::find_if(frame_.components.begin(), frame_.components.end(),
                                [id](const Component& each) { return each.id == id; });
    return divided(divided(header_.width * c->across, across), 8) *
           divided(divided(header_.height * c->down, down), 8);
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
  std::optional<unsigned> adobe_transform_;
  bool exif_found_ = false;
  std::array<std::array<bool, 4>, 2> huffman_{};  ///< [DC, AC][slot]: defined
  bool any_huffman_ = false;                      ///< even an empty one: the file has tables of its own
  std::array<bool, 4> quantisation_{};
  int scans_ = 0;
  std::int64_t entropy_bytes_ = 0, restart_interval_ = 0;
  std::vector<std::size_t> scan_ends_;  ///< in the mended file
  std::uint64_t stray_bytes_ = 0;
  bool ended_ = false,
       end_given_ = false;         ///< without an end-of-image marker; the first byte of one was given
  std::size_t kept_end_ = 2;       ///< what is before was kept
  std::vector<std::byte> mended_;  ///< empty while it would be the file itself
};

}  // namespace

Header read_jpeg_header(std::span<const std::byte> bytes, const std::string& name) {
  return JpegWalk(bytes, name).header();
}

CheckedJpeg check_jpeg(std::span<const std::byte> bytes, const std::string& name, Notes& notes) {
  return JpegWalk(bytes, name).check(notes);
}

std::vector<std::byte> with_longer_scans(std::span<const std::byte> file,
                                         std::span<const std::size_t> scan_ends) {
  constexpr std::size_t kMore = 64;  // of a whole block and the decoder's buffer
  std::vector<std::byte> longer;
  longer.reserve(file.size() + kMore * scan_ends.size());
  std::size_t from = 0;
  for (std::size_t end : scan_ends) {
    while (end > from && file[end - 1] == std::byte{0xFF}) --end;  // padding of the marker
    const auto piece = file.subspan(from, end - from);
    longer.insert(longer.end(), piece.begin(), piece.end());
    longer.insert(longer.end(), kMore, std::byte{0xB6});
    from = end;
  }
  const auto rest = file.subspan(from);
  longer.insert(longer.end(), rest.begin(), rest.end());
  return longer;
}

void note_stray_bytes(std::uint64_t count, Notes& notes) {
  notes.push_back("damaged JPEG: " + std::to_string(count) +
                  " bytes between its segments belong to none; they were skipped, and all rows were read");
}

void note_missing_end(Notes& notes) {
  notes.emplace_back("damaged JPEG: it has no end-of-image marker; all rows were read");
}

void note_trailing_bytes(std::span<const std::byte> behind, Notes& notes) {
  const bool zeros = std::all_of(behind.begin(), behind.end(), [](std::byte b) { return b == std::byte{0}; });
  if (zeros || has_at(behind, 0, "\xFF\xD8\xFF"sv)) return;
  notes.push_back(std::to_string(behind.size()) + " bytes follow the JPEG's end; they were not read");
}

}  // namespace ablaze::image
