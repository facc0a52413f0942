#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ablaze::image {

enum class FileKind { jpeg, png, other };

struct Sniffed {
  FileKind kind = FileKind::other;
  std::string looks_like;  ///< "a GIF image", "text", ...: for error messages
};

/// Recognises a file by its first bytes, regardless of its name.
Sniffed sniff(std::span<const std::byte> bytes);

}  // namespace ablaze::image
