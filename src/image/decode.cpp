#include "image/decode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/files.hpp"
#include "image/header.hpp"
#include "image/jpeg.hpp"
#ifdef ABLAZE_LIBJPEG
#include "image/libjpeg.hpp"
#endif
#include "image/orientation.hpp"
#include "image/sniff.hpp"
#include "image/stb.hpp"

namespace ablaze {
namespace {

using image::DecodedPixels;
using image::Header;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxFileBytes = 512 * kMebibyte;

/// The memory that decoding may use. The largest valid case is an interlaced 16-bit RGBA PNG (about 28 bytes
/// per pixel at its peak, in addition to two copies of its data); JPEG pads each side to 32 pixels, and takes
/// two bytes for each of up to four coefficients per pixel.
std::uint64_t memory_limit(const Header& header, std::uint64_t file_bytes) {
  const auto padded = [](std::int64_t side) { return (static_cast<std::uint64_t>(side) + 31) / 32 * 32; };
  return 16 * kMebibyte + 4 * file_bytes + 32 * padded(header.width) * padded(header.height);
}

DecodedPixels decode_pixels(std::span<const std::byte> bytes, const Header& header, int channels,
                            const std::string& name) {
  DecodedPixels decoded = image::stb_decode(bytes, channels, memory_limit(header, bytes.size()));
  if (decoded.over_limit) {
    throw Error(name + ": decoding it needs far more memory than " + std::to_string(header.width) + "x" +
                std::to_string(header.height) + " pixels should; the file is damaged or hostile");
  }
  if (decoded.bytes == nullptr || decoded.width != header.width || decoded.height != header.height) {
    throw Error(name + ": damaged image: its compressed data cannot be decoded");
  }
  return decoded;
}

Image from_rgb(const DecodedPixels& decoded) {
  Image image(decoded.width, decoded.height);
  std::memcpy(image.pixels().data(), decoded.bytes.get(), image.pixels().size());
  return image;
}

Image from_rgba_over_white(const DecodedPixels& decoded) {
  Image image(decoded.width, decoded.height);
  const std::uint8_t* rgba = decoded.bytes.get();
  std::uint8_t* rgb = image.pixels().data();
  for (std::size_t i = 0; i < image.pixels().size() / 3; ++i, rgba += 4, rgb += 3) {
    const unsigned alpha = rgba[3];
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  return image;
}

Image stb_decode_jpeg(std::span<const std::byte> bytes, const std::string& name, image::Notes& notes) {
  const image::CheckedJpeg checked = image::check_jpeg(bytes, name, notes);
  const auto file = checked.mended.empty() ? bytes : std::span<const std::byte>(checked.mended);
  Image stored = from_rgb(decode_pixels(file, checked.header, 3, name));
  const auto longer = image::with_longer_scans(file, checked.scan_ends);
  const std::uint64_t limit = memory_limit(checked.header, longer.size());
  const DecodedPixels again = image::stb_decode(longer, 3, limit);
  if (again.bytes == nullptr ||
      std::memcmp(again.bytes.get(), stored.pixels().data(), stored.pixels().size()) != 0) {
    throw Error(name + ": truncated JPEG: its image data ends before its last row; get the whole file");
  }
  return image::oriented(std::move(stored), checked.header.orientation);
}

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name, image::Notes& notes,
                  [[maybe_unused]] image::JpegDecoder decoder) {
#ifdef ABLAZE_LIBJPEG
  if (decoder == image::JpegDecoder::libjpeg) {
    const Header header = image::read_jpeg_header(bytes, name);
    const std::uint64_t limit = memory_limit(header, bytes.size());
    return image::oriented(image::libjpeg_decode(bytes, header, limit, name, notes), header.orientation);
  }
#endif
  return stb_decode_jpeg(bytes, name, notes);
}

}  // namespace

std::span<const image::JpegDecoder> image::jpeg_decoders() {
#ifdef ABLAZE_LIBJPEG
  static constexpr std::array decoders{JpegDecoder::libjpeg, JpegDecoder::stb};
#else
  static constexpr std::array decoders{JpegDecoder::stb};
#endif
  return decoders;
}

std::string image::to_string(JpegDecoder decoder) {
#ifdef ABLAZE_LIBJPEG
  if (decoder == JpegDecoder::libjpeg) return libjpeg_name();
#endif
  return decoder == JpegDecoder::stb ? stb_name() : std::string();
}

Image image::decode(std::span<const std::byte> bytes, const std::string& name, Notes& notes,
                    JpegDecoder decoder) {
  if (bytes.empty()) throw Error(name + ": the file is empty; expected a JPEG or PNG image");
  if (bytes.size() > kMaxFileBytes) {
    throw Error(name + ": " + std::to_string(bytes.size() / kMebibyte) + " MiB; an image file has at most " +
                std::to_string(kMaxFileBytes / kMebibyte));
  }
  const Sniffed file = sniff(bytes);
  if (file.kind == FileKind::jpeg) return decode_jpeg(bytes, name, notes, decoder);
  if (file.kind == FileKind::png) {
    const Header header = check_png(bytes, name);
    // Always four channels, because transparency is known only after the header.
    return oriented(from_rgba_over_white(decode_pixels(bytes, header, 4, name)), header.orientation);
  }
  throw Error(name + ": expected a JPEG or PNG image, found what looks like " + file.looks_like +
              "; convert it to JPEG or PNG");
}

std::string jpeg_decoder() { return image::to_string(image::jpeg_decoders().front()); }

Image Image::decode(std::span<const std::byte> bytes, const std::string& name,
                    std::vector<std::string>* notes) {
  image::Notes unread;
  return image::decode(bytes, name, notes != nullptr ? *notes : unread, image::jpeg_decoders().front());
}

Image Image::load(const std::string& file, std::vector<std::string>* notes) {
  return decode(base::read_file(file, kMaxFileBytes), file, notes);
}

}  // namespace ablaze
