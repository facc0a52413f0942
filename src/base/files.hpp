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

/// A whole regular file mapped read-only. Throws Error (missing, a directory, not a regular file, no
/// permission) and std::bad_alloc where no room is left for it. As with any mapping, cutting the file short
/// while it is mapped ends the program.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// The mapped file that somebody handed on as the owner of its bytes; nullptr where it is anything else.
  static const MappedFile* behind(const std::shared_ptr<const void>& owner);
  /// Lets the system take the pages back that reading has filled; the next read fetches them again.
  void release_pages() const noexcept { release_pages(bytes()); }
  /// The same for the pages on which some of the bytes lie.
  void release_pages(std::span<const std::byte> some) const noexcept;

 private:
  ~MappedFile();
  struct Closer;  ///< how a pointer to a mapped file is known once its type is gone
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// MappedFile::release_pages where a mapped file owns the bytes; else nothing.
void release_pages(const std::shared_ptr<const void>& owner, std::span<const std::byte> bytes) noexcept;

/// Reads a whole file. Throws Error, also where it is larger than `most` bytes.
std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t most);

/// Writes a file whole or not at all: into a temporary beside it, synced, then renamed over it; on failure,
/// and where the program is interrupted (see remove_unfinished_files), the temporary is removed. Throws Error
/// with the system's reason (no permission, a full disk).
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
  std::filesystem::path file_;                ///< as the caller named it
  std::filesystem::path target_;              ///< absolute, links followed
  std::string temporary_;
  int descriptor_ = -1;
  int slot_ = -1;
};

/// Async-signal-safe: unlinks the temporaries of all AtomicFiles that are open now. For a Ctrl-C handler.
void remove_unfinished_files() noexcept;

/// Removes what AtomicFiles of processes that were killed have left in a folder. Only for a folder of which
/// the caller is the one writer.
void remove_abandoned_files(const std::filesystem::path& folder);

/// AtomicFile in one call.
void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace ablaze::base
