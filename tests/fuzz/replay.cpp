// Replaces libFuzzer for compilers without it: fuzz_TARGET [-mutations=N] PATH... runs every file, and N
// damaged copies of each. The damage depends only on the file's bytes and the copy's number, so that a run is
// repeatable.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

Bytes current;        // the current input
std::string finding;  // the file for it if the run fails

void keep_finding() {
  if (std::FILE* file = std::fopen(finding.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
    std::fprintf(stderr, "the input is kept in %s\n", finding.c_str());
  }
}

void keep_finding_of_abort(int) {
  keep_finding();
  std::_Exit(1);
}

/// One small damage: a byte, a bit, a number at the limits, or a part that is removed, duplicated or
/// extended.
void damage(Bytes& bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
  const std::size_t at = below(bytes.size());
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 64));
  const Bytes piece(here, here + static_cast<std::ptrdiff_t>(length));
  constexpr std::uint64_t limits[]{0,
                                   1,
                                   0x7F,
                                   0x80,
                                   0xFF,
                                   0x7FFF,
                                   0xFFFF,
                                   0x7FFFFFFF,
                                   0xFFFFFFFF,
                                   ~std::uint64_t{0} >> 1,
                                   ~std::uint64_t{0}};
  switch (random() % 7) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<std::uint8_t>(random());
      break;
    case 1:
      if (at < bytes.size()) bytes[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
      break;
    case 2: {
      const std::uint64_t number = limits[below(std::size(limits))];
      for (std::size_t i = 0; i < (std::size_t{1} << below(4)) && at + i < bytes.size(); ++i)
        bytes[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
      break;
    }
    case 3:
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(length));
      break;
    case 4:
      bytes.insert(here, piece.begin(), piece.end());
      break;
    case 5:
      std::copy(piece.begin(), piece.end(),
                bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() - length + 1)));
      break;
    default:
      bytes.resize(at);
  }
}

void run(const Bytes& bytes) {
  current = bytes;
  // A buffer of exactly this size, so that AddressSanitizer detects a read one byte beyond.
  const Bytes exact(bytes);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<fs::path> files_in(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int count, char** words) {
  const std::string option = "-mutations=";
  unsigned long mutations = 0;
  std::vector<fs::path> files;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word.starts_with(option)) {
      mutations = std::strtoul(word.c_str() + option.size(), nullptr, 10);
    } else {
      for (const fs::path& file : files_in(word)) files.push_back(file);
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s [-mutations=N] FILE-OR-FOLDER...\n", words[0]);
    return 2;
  }
  finding = fs::path(words[0]).filename().string() + "-finding";
  std::signal(SIGABRT, keep_finding_of_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_finding);
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const Bytes seed{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    run(seed);
    std::mt19937_64 random(seed.size());
    for (unsigned long i = 0; i < mutations; ++i) {
      Bytes bytes = seed;
      for (std::uint64_t hits = 1 + random() % 4; hits > 0; --hits) damage(bytes, random);
      run(bytes);
    }
  }
  std::printf("%zu files, %lu damaged copies of each\n", files.size(), mutations);
}
