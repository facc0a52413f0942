#include <ablaze/image.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(
      data, size, [](std::span<const std::byte> bytes) { (void)ablaze::Image::decode(bytes, "file"); });
}
