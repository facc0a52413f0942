#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace ablaze::formats {

/// The directory of a zip archive in memory, for archives written by PyTorch: entries are stored
/// uncompressed, so that each is a view of the archive's bytes. Supports Zip64.
///
/// Does not verify checksums: PyTorch can be told not to compute them, and does not check them itself.
class ZipArchive {
 public:
  /// Reads the directory. Throws Error where an offset, size or name is invalid.
  ZipArchive(std::span<const std::byte> bytes, std::string name);

  bool contains(std::string_view entry) const { return entries_.find(entry) != entries_.end(); }
  /// The content of an entry. Throws Error where the entry is missing or compressed.
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

/// Whether the bytes look like a zip archive.
bool looks_like_zip(std::span<const std::byte> bytes);

}  // namespace ablaze::formats
