#include <array>
#include <string>
#include <string_view>

#include <ablaze/error.hpp>

#include "image/bytes.hpp"
#include "image/header.hpp"
#include "image/png_orientation.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kChunkOverhead = 12;  // length, type, CRC

/// Deflate's maximum ratio: 258 bytes from a length code and a distance code of one bit each.
constexpr std::int64_t kDeflateMaxRatio = 1032;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xFFFFFFFFU;
  for (const std::byte byte : bytes)
    c = kCrcTable[(c ^ std::to_integer<std::uint32_t>(byte)) & 0xFF] ^ (c >> 8);
  return ~c;
}

struct Chunk {
  std::string_view type;
  std::span<const std::byte> data;
  std::span<const std::byte> protected_bytes;  ///< type and data, covered by the CRC
  std::uint32_t crc = 0;
};

/// Walks the chunks of one file.
class PngCheck {
 public:
  PngCheck(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Header run() {
    read_ihdr(next());
    for (Chunk chunk = next(); chunk.type != "IEND"; chunk = next()) visit(chunk);
    if (packed_bytes_ == 0) fail("it holds no image data (no IDAT chunk)");
    // The decoder allocates a buffer of IHDR's size, which must not exceed what the data can fill.
    if (unpacked_bytes_ > (packed_bytes_ + 1) * kDeflateMaxRatio) {
      fail("its " + std::to_string(packed_bytes_) + " bytes of image data are too few for " +
           std::to_string(header_.width) + "x" + std::to_string(header_.height) + " pixels");
    }
    header_.orientation = orientation_.value();
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_ + ": damaged PNG: " + what); }

  Chunk next() {
    const std::size_t left = bytes_.size() - at_;
    const std::size_t length = left >= kChunkOverhead ? read_be32(bytes_, at_) : 0;
    if (left < kChunkOverhead || length > left - kChunkOverhead) {
      throw Error(name_ + ": truncated PNG: the file ends after " + std::to_string(bytes_.size()) +
                  " bytes, in the middle of a chunk or before the last one");
    }
    const auto protected_bytes = bytes_.subspan(at_ + 4, 4 + length);
    const Chunk chunk{{reinterpret_cast<const char*>(protected_bytes.data()), 4},
                      protected_bytes.subspan(4),
                      protected_bytes,
                      read_be32(bytes_, at_ + 8 + length)};
    at_ += kChunkOverhead + length;
    return chunk;
  }

  void check_crc(const Chunk& chunk) const {
    if (crc32(chunk.protected_bytes) != chunk.crc)
      fail("wrong checksum in its " + std::string(chunk.type) + " chunk");
  }

  void read_ihdr(const Chunk& chunk) {
    if (chunk.type == "CgBI"sv) {
      throw Error(name_ +
                  ": a PNG in the proprietary format of Apple's tools (CgBI), which is not supported; " +
                  "save it as an ordinary PNG or JPEG");
    }
    if (chunk.type != "IHDR"sv || chunk.data.size() != 13) fail("it does not begin with a header (IHDR)");
    check_crc(chunk);
    header_.width = read_be32(chunk.data, 0);
    header_.height = read_be32(chunk.data, 4);
    check_dimensions(header_.width, header_.height, name_);
    const unsigned depth = read_u8(chunk.data, 8), colour_type = read_u8(chunk.data, 9);
    constexpr std::array channels{1, 0, 3, 1, 2, 0, 4};  // by colour type
    if (colour_type >= channels.size() || channels[colour_type] == 0) {
      fail("unknown colour type " + std::to_string(colour_type));
    }
    unpacked_bytes_ = header_.width * header_.height * channels[colour_type] * depth / 8;
  }

  void visit(const Chunk& chunk) {
    orientation_.visit(chunk.type, chunk.data);
    if (chunk.type == "IDAT"sv) {
      check_crc(chunk);
      packed_bytes_ += static_cast<std::int64_t>(chunk.data.size());
    } else if (chunk.type == "PLTE"sv || chunk.type == "tRNS"sv) {
      check_crc(chunk);
    } else if ((static_cast<unsigned char>(chunk.type[0]) & 0x20) == 0) {
      fail("an unknown critical chunk");  // a lower-case first letter marks ancillary chunks
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t at_ = kSignatureBytes;
  Header header_;
  PngOrientation orientation_;
  std::int64_t unpacked_bytes_ = 0;  ///< lower bound
  std::int64_t packed_bytes_ = 0;
};

}  // namespace

Header check_png(std::span<const std::byte> bytes, const std::string& name) {
  return PngCheck(bytes, name).run();
}

}  // namespace ablaze::image
