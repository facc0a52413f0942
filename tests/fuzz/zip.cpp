#include "formats/pytorch/zip.hpp"

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const ablaze::formats::ZipArchive archive(bytes, "file");
    unsigned sum = 0;  // every byte of every entry must be readable
    for (const auto& [name, entry] : archive.entries()) {
      for (const std::byte byte : entry.content) sum += std::to_integer<unsigned>(byte);
    }
    if (sum == 1) archive.read("x");
  });
}
