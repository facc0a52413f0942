#include "formats/pytorch/pickle.hpp"

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    (void)ablaze::formats::take_pickle(bytes, "file");
    (void)ablaze::formats::parse_pickle(bytes, "file");
  });
}
