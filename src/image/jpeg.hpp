#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "image/header.hpp"

namespace ablaze::image {

/// A progressive file has about ten scans, an optimised one a few more; each costs a pass over the image.
inline constexpr int kMaxScans = 100;

/// What a reader should know about a file that was read nevertheless; not for files as they should be.
using Notes = std::vector<std::string>;

/// Reads the segments before a JPEG's first scan, as libjpeg and Pillow do, without decoding: dimensions and
/// orientation. Throws Error with the file's name if it is of an unsupported kind, too large, or has fewer
/// bytes than its pixels need at least.
Header read_jpeg_header(std::span<const std::byte> bytes, const std::string& name);

/// A JPEG that stb_image can decode.
struct CheckedJpeg {
  Header header;
  std::vector<std::byte> mended;       ///< the file to decode in place of the given one; empty: decode that
  std::vector<std::size_t> scan_ends;  ///< in the file to decode: where the data of each scan end
};

/// A file whose scans' data go on, with bytes that mean nothing. A decoder that gives other pixels for it
/// needed more data than there are: stb_image takes zeros for missing ones, and does not tell.
std::vector<std::byte> with_longer_scans(std::span<const std::byte> file,
                                         std::span<const std::size_t> scan_ends);

/// Walks all segments of a JPEG, and refuses files for which stb_image 2.27 would read or write out of
/// bounds, and truncated ones. Files that it would refuse without need are mended: stray bytes between
/// segments and empty Huffman tables are left out, the standard Huffman tables and the usual meaning of four
/// components are added where the file has none. Throws Error with the file's name.
CheckedJpeg check_jpeg(std::span<const std::byte> bytes, const std::string& name, Notes& notes);

/// Notes that bytes follow the end-of-image marker, unless they are zeros or another JPEG, as cameras append.
void note_trailing_bytes(std::span<const std::byte> behind, Notes& notes);
void note_stray_bytes(std::uint64_t count, Notes& notes);
void note_missing_end(Notes& notes);

}  // namespace ablaze::image
