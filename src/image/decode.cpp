#include <algorithm>
#include <cstring>
#include <string>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/files.hpp"
#include "image/header.hpp"
#include "image/orientation.hpp"
#include "image/sniff.hpp"
#include "image/stb.hpp"

namespace ablaze {
namespace {

using image::DecodedPixels;
using image::FileKind;
using image::Header;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxFileBytes = 512 * kMebibyte;

/// The memory that decoding may use. The largest valid case is an interlaced 16-bit RGBA PNG (about 28 bytes
/// per pixel at its peak, in addition to two copies of its data); JPEG pads each side to 32 pixels.
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

}  // namespace

Image Image::decode(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) throw Error(name + ": the file is empty; expected a JPEG or PNG image");
  if (bytes.size() > kMaxFileBytes) {
    throw Error(name + ": " + std::to_string(bytes.size() / kMebibyte) + " MiB; an image file has at most " +
                std::to_string(kMaxFileBytes / kMebibyte));
  }
  const image::Sniffed file = image::sniff(bytes);
  if (file.kind == FileKind::jpeg) {
    const Header header = image::check_jpeg(bytes, name);
    return image::oriented(from_rgb(decode_pixels(bytes, header, 3, name)), header.orientation);
  }
  if (file.kind == FileKind::png) {
    const Header header = image::check_png(bytes, name);
    // Always four channels, because transparency is known only after the header.
    return image::oriented(from_rgba_over_white(decode_pixels(bytes, header, 4, name)), header.orientation);
  }
  throw Error(name + ": expected a JPEG or PNG image, found what looks like " + file.looks_like +
              "; convert it to JPEG or PNG");
}

Image Image::load(const std::string& file) { return decode(base::read_file(file, kMaxFileBytes), file); }

}  // namespace ablaze
