#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ablaze::image {

enum class FileKind { jpeg, png, other };

struct Sniffed {
  FileKind kind = FileKind::other;
  std::string looks_like;  ///< "a GIF image", "text", ...: what to tell whoever gave the file
};

/// Knows a file by its first bytes, whatever its name says.
Sniffed sniff(std::span<const std::byte> bytes);

}  // namespace ablaze::image
