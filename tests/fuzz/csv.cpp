// Rows written after reading must read back the same.

#include "formats/csv.hpp"

#include <cstdlib>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto rows = ablaze::formats::read_csv(text, "file");
    // A first row of its own, because a byte order mark in the first field would be taken for the file's.
    std::string again = "header\n";
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.fields.size(); ++i)
        again += (i == 0 ? "" : ",") + ablaze::formats::csv_field(row.fields[i]);
      again += '\n';
    }
    const auto reread = ablaze::formats::read_csv(again, "again");
    if (reread.size() != rows.size() + 1) std::abort();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (reread[r + 1].fields != rows[r].fields) std::abort();
    }
  });
}
