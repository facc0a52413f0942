#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze::base {

/// A regular file mapped read-only as a whole. Throws Error (missing, a directory, not a regular file, no
/// permission) and std::bad_alloc where the address space has no room for it. As with any mapping, truncating
/// the file while it is mapped ends the program.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// The mapped file behind a type-erased owner of its bytes; nullptr where the owner is anything else.
  static const MappedFile* behind(const std::shared_ptr<const void>& owner);
  /// Returns the pages filled by reading to the system; the next read fetches them again.
  void release_pages() const noexcept { release_pages(bytes()); }
  /// The same for the pages that hold `some` bytes.
  void release_pages(std::span<const std::byte> some) const noexcept;

 private:
  ~MappedFile();
  struct Closer;  ///< identifies a pointer to a mapped file after type erasure
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// MappedFile::release_pages where a mapped file owns the bytes; else nothing.
void release_pages(const std::shared_ptr<const void>& owner, std::span<const std::byte> bytes) noexcept;

/// Reads a whole file. Throws Error, also where it is larger than `most` bytes.
std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t most);

/// Writes a file whole or not at all: writes and syncs a temporary file in the same folder, then renames it
/// over the target. Removes the temporary on failure and on interruption (see remove_unfinished_files).
/// Throws Error with the system's reason (no permission, a full disk).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path file);
  ~AtomicFile();  ///< removes the temporary unless committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  void discard() noexcept;
  [[noreturn]] void fail(const char* doing);  ///< with errno's reason
  std::filesystem::path file_;                ///< as given by the caller
  std::filesystem::path target_;              ///< absolute, links followed
  std::string temporary_;
  int descriptor_ = -1;
  int slot_ = -1;
};

/// Unlinks the temporaries of all open AtomicFiles. Async-signal-safe, for a Ctrl-C handler.
void remove_unfinished_files() noexcept;

/// Removes the temporaries left in a folder by AtomicFiles of killed processes. Only for a folder with the
/// caller as its one writer.
void remove_abandoned_files(const std::filesystem::path& folder);

/// AtomicFile in one call.
void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace ablaze::base
