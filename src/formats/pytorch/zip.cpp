#include "formats/pytorch/zip.hpp"

#include <algorithm>
#include <utility>

#include "formats/bytes.hpp"

namespace ablaze::formats {
namespace {

// Record signatures and fixed sizes, with the section numbers of the format's specification (APPNOTE).
constexpr std::uint32_t kLocalSignature = 0x04034B50;      // 4.3.7
constexpr std::uint32_t kCentralSignature = 0x02014B50;    // 4.3.12
constexpr std::uint32_t kEnd64Signature = 0x06064B50;      // 4.3.14
constexpr std::uint32_t kLocator64Signature = 0x07064B50;  // 4.3.15
constexpr std::uint32_t kEndSignature = 0x06054B50;        // 4.3.16
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kLocator64Size = 20;
constexpr std::size_t kEndSize = 22;
constexpr std::uint16_t kZip64Extra = 0x0001;  // 4.5.3
constexpr std::uint32_t kInZip64 = 0xFFFFFFFF;
constexpr unsigned kEncrypted = 1;

std::uint32_t signature_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Position of the central directory.
struct Directory {
  std::uint64_t offset = 0, size = 0, count = 0;
};

/// The end record is last in the archive, followed by a comment of at most 64 KiB.
std::size_t find_end_record(std::span<const std::byte> bytes, const std::string& name) {
  constexpr std::size_t longest_comment = 0xFFFF;
  if (bytes.size() >= kEndSize) {
    const std::size_t last = bytes.size() - kEndSize;
    const std::size_t first = last - std::min(last, longest_comment);
    for (std::size_t at = last + 1; at-- > first;) {
      if (signature_at(bytes, at) != kEndSignature) continue;
      const auto comment =
          std::to_integer<std::size_t>(bytes[at + 20]) | std::to_integer<std::size_t>(bytes[at + 21]) << 8;
      if (comment == last - at) return at;
    }
  }
  throw malformed(name,
                  "the zip archive has no directory at its end; the file is truncated, download it again");
}

Directory read_end64(std::span<const std::byte> bytes, std::size_t locator_at, const std::string& name) {
  ByteReader locator(bytes.subspan(locator_at, kLocator64Size), name, "the zip64 locator");
  locator.skip(8);
  const std::uint64_t at = locator.u64();
  if (!lies_within(at, kEnd64Size, locator_at) ||
      signature_at(bytes, static_cast<std::size_t>(at)) != kEnd64Signature)
    throw malformed(
        name, "the zip64 end record is not where the archive says; the file is damaged, download it again");
  ByteReader end(bytes.subspan(at, kEnd64Size), name, "the zip64 end record");
  end.skip(32);
  Directory directory;
  directory.count = end.u64();
  directory.size = end.u64();
  directory.offset = end.u64();
  return directory;
}

Directory find_directory(std::span<const std::byte> bytes, const std::string& name) {
  const std::size_t end_at = find_end_record(bytes, name);
  ByteReader end(bytes.subspan(end_at, kEndSize), name, "the zip end record");
  end.skip(10);
  Directory directory;
  directory.count = end.u16();
  directory.size = end.u32();
  directory.offset = end.u32();
  if (end_at >= kLocator64Size && signature_at(bytes, end_at - kLocator64Size) == kLocator64Signature)
    directory = read_end64(bytes, end_at - kLocator64Size, name);
  if (!lies_within(directory.offset, directory.size, end_at)) {
    throw malformed(name, "the zip directory (" + std::to_string(directory.size) + " bytes at " +
                              std::to_string(directory.offset) + ") is outside the file (" +
                              std::to_string(bytes.size()) +
                              " bytes); the file is damaged, download it again");
  }
  if (directory.count > directory.size / kCentralSize)
    throw malformed(name, "the zip directory is too small for its " + std::to_string(directory.count) +
                              " entries; the file is damaged, download it again");
  return directory;
}

/// One central directory header.
struct Header {
  unsigned flags = 0, method = 0;
  std::uint64_t stored = 0, size = 0, local_at = 0;
  std::string_view entry;
};

/// Sizes and offsets of 32 set bits are stored in the zip64 extra field instead, in this order.
void read_zip64_extra(std::span<const std::byte> extra, const std::string& name, Header& header) {
  ByteReader fields(extra, name, "a zip extra field");
  while (fields.left() >= 4) {
    const std::uint16_t id = fields.u16();
    ByteReader field(fields.take(fields.u16()), name, "a zip64 field");
    if (id != kZip64Extra) continue;
    if (header.size == kInZip64) header.size = field.u64();
    if (header.stored == kInZip64) header.stored = field.u64();
    if (header.local_at == kInZip64) header.local_at = field.u64();
    return;
  }
}

Header read_header(ByteReader& directory, const std::string& name) {
  if (directory.u32() != kCentralSignature)
    throw malformed(name, "the zip directory has a wrong signature; the file is damaged, download it again");
  Header header;
  directory.skip(4);
  header.flags = directory.u16();
  header.method = directory.u16();
  directory.skip(8);
  header.stored = directory.u32();
  header.size = directory.u32();
  const std::uint16_t name_length = directory.u16();
  const std::uint16_t extra_length = directory.u16();
  const std::uint16_t comment_length = directory.u16();
  directory.skip(8);
  header.local_at = directory.u32();
  header.entry = directory.text(name_length);
  read_zip64_extra(directory.take(extra_length), name, header);
  directory.skip(comment_length);
  return header;
}

/// The bytes of an entry: after its local header, which repeats the name.
std::span<const std::byte> locate(std::span<const std::byte> bytes, const Header& header,
                                  const std::string& name) {
  const auto outside = [&] {
    return malformed(name, "the zip entry " + in_quotes(header.entry) + " (" + std::to_string(header.stored) +
                               " bytes at " + std::to_string(header.local_at) + ") is outside the file (" +
                               std::to_string(bytes.size()) +
                               " bytes); the file is damaged or truncated, download it again");
  };
  if (!lies_within(header.local_at, kLocalSize, bytes.size())) throw outside();
  ByteReader local(bytes.subspan(header.local_at), name, "a zip entry");
  const bool signed_right = local.u32() == kLocalSignature;
  local.skip(22);
  const std::uint16_t name_length = local.u16();
  const std::uint16_t extra_length = local.u16();
  if (!signed_right || local.left() < name_length || local.text(name_length) != header.entry)
    throw malformed(name, "the zip entry " + in_quotes(header.entry) +
                              " is not where the directory says; the file is damaged, download it again");
  if (local.left() < extra_length || local.left() - extra_length < header.stored) throw outside();
  local.skip(extra_length);
  return local.take(header.stored);
}

}  // namespace

bool looks_like_zip(std::span<const std::byte> bytes) {
  return starts_with(bytes, "PK\x03\x04") || starts_with(bytes, "PK\x05\x06");
}

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  const Directory where = find_directory(bytes, name_);
  if (where.count > kMostTensors)
    throw malformed(name_, "the zip archive has " + std::to_string(where.count) +
                               " entries; expected at most " + std::to_string(kMostTensors));
  ByteReader directory(bytes.subspan(where.offset, where.size), name_, "the zip directory");
  for (std::uint64_t i = 0; i < where.count; ++i) {
    const Header header = read_header(directory, name_);
    if ((header.flags & kEncrypted) != 0)
      throw malformed(
          name_, "the zip entry " + in_quotes(header.entry) + " is encrypted; decrypt the archive first");
    const Entry entry{locate(bytes, header, name_), header.method};
    if (!entries_.emplace(std::string(header.entry), entry).second)
      throw malformed(name_, "the zip archive has two entries called " + in_quotes(header.entry));
  }
}

std::span<const std::byte> ZipArchive::read(std::string_view entry) const {
  const auto found = entries_.find(entry);
  if (found == entries_.end())
    throw malformed(name_, "the zip archive has no entry " + in_quotes(entry) +
                               "; the file is damaged, download it again");
  if (found->second.method != 0)
    throw malformed(name_,
                    "the zip entry " + in_quotes(entry) + " is compressed (method " +
                        std::to_string(found->second.method) +
                        "); PyTorch stores entries uncompressed, so write the file again with torch.save");
  return found->second.content;
}

}  // namespace ablaze::formats
