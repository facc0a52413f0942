#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace ablaze::formats {

/// The directory of a zip archive in memory, for archives as PyTorch writes them: entries stored without
/// compression, so that each is a view of the archive's own bytes. Zip64 is understood.
///
/// Checksums are not verified: PyTorch can be told not to compute them, and does not look at them itself.
class ZipArchive {
 public:
  /// Reads the directory. Throws Error where any offset, size or name in it is wrong.
  ZipArchive(std::span<const std::byte> bytes, std::string name);

  bool contains(std::string_view entry) const { return entries_.find(entry) != entries_.end(); }
  /// The content of an entry. Throws Error where there is no such entry, or it is compressed.
  std::span<const std::byte> read(std::string_view entry) const;

  struct Entry {
    std::span<const std::byte> content;  ///< as stored
    unsigned method = 0;                 ///< 0: not compressed
  };
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

 private:
  std::string name_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Whether the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> bytes);

}  // namespace ablaze::formats
