// Valid files with random damage. Each must be read, or refused with an Error; all bytes of a result must be
// readable. With sanitizers, this finds faults beyond any list of cases.

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "builders.hpp"
#include "formats/npy.hpp"
#include "support/shared_data.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return limit == 0 ? 0 : random() % limit; }

/// Writes numbers that break size arithmetic.
void place_edge(Bytes& bytes, Random& random) {
  static constexpr std::uint64_t edges[] = {
      0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, ~0ULL >> 1, ~0ULL};
  const std::uint64_t edge = edges[below(random, std::size(edges))];
  const std::size_t at = below(random, bytes.size());
  const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(random, 4), bytes.size() - at);
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(edge >> (8 * i));
}

void mutate_once(Bytes& bytes, Random& random) {
  if (bytes.empty()) return;
  const std::size_t at = below(random, bytes.size());
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto length =
      static_cast<std::ptrdiff_t>(below(random, std::min<std::size_t>(16, bytes.size() - at)));
  switch (below(random, 7)) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1U << below(random, 8));
      break;
    case 1:
      bytes[at] = static_cast<std::byte>(random());
      break;
    case 2:
      place_edge(bytes, random);
      break;
    case 3:
      bytes.erase(here, here + length);
      break;
    case 4: {
      const Bytes copy(here, here + length);
      const auto where = static_cast<std::ptrdiff_t>(below(random, bytes.size()));
      bytes.insert(bytes.begin() + where, copy.begin(), copy.end());
      break;
    }
    case 5:
      std::swap(bytes[at], bytes[below(random, bytes.size())]);
      break;
    default:
      if (below(random, 8) == 0) bytes.resize(at);
  }
}

template <class Read>
void survive(const Bytes& original, int rounds, std::uint64_t seed, Read read) {
  Random random(seed);
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    Bytes bytes = original;
    for (std::size_t i = 0; i <= below(random, 4); ++i) mutate_once(bytes, random);
    bytes.shrink_to_fit();
    try {
      read(bytes);
      ++accepted;
    } catch (const Error& error) {
      if (std::string_view(error.what()).empty()) FAIL("an error without a message, in round " << round);
    } catch (const std::exception& other) {
      FAIL("round " << round << " with seed " << seed << ": " << other.what());
    }
  }
  // Damage to weights leaves the format valid, so some files must pass; otherwise the test tests nothing.
  CHECK(accepted > 0);
  CHECK(accepted < rounds);
}

void read_all(const Bytes& bytes) {
  const formats::TensorFile file = formats::parse_tensor_file(bytes, nullptr, "model");
  for (const auto& [name, weight] : file.tensors) (void)weight.to_tensor();
}

Bytes fixture(const char* name) { return base::read_file(test_data(name), 1 << 20); }

}  // namespace

TEST_CASE("damaged safetensors files are read or refused") {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},"c":{"dtype":"F64","shape":[1],"data_offsets":[22,30]},)"
      R"("d":{"dtype":"I64","shape":[],"data_offsets":[30,38]}})";
  survive(to_bytes(safetensors(header, std::string(38, '\x3c'))), 8000, 1, read_all);
}

TEST_CASE("damaged PyTorch files are read or refused") {
  survive(fixture("formats/kinds.pth"), 4000, 2, read_all);
  survive(fixture("formats/kinds-protocol4.pth"), 3000, 3, read_all);
  survive(fixture("formats/checkpoint.pth"), 1500, 4, read_all);
  survive(fixture("formats/kinds-legacy.pth"), 3000, 7, read_all);
  survive(fixture("formats/scripts-legacy.pth"), 1500, 8, read_all);
}

TEST_CASE("damaged pickles in whole PyTorch files are read or refused") {
  using namespace pickled;
  const std::string twelve = storage("FloatStorage", "0", 12);
  const std::string pickle =
      whole(dict({{"a", tensor(twelve, 0, {3, 4}, {4, 1})}, {"b", tensor(twelve, 2, {2, 2}, {1, 3})}}));
  survive(to_bytes(pickle), 8000, 5, [](const Bytes& bytes) {
    const std::string damaged(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    read_all(to_bytes(pytorch(damaged)));
  });
}

TEST_CASE("damaged npy files are read or refused") {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }  \n";
  const std::string file = std::string("\x93NUMPY\x01\x00", 8) +
                           raw(static_cast<std::uint16_t>(header.size())) + header +
                           floats({1, 2, 3, 4, 5, 6});
  survive(to_bytes(file), 8000, 6, [](const Bytes& bytes) { (void)formats::parse_npy(bytes, "input"); });
}
