#include <ablaze/image.hpp>

#include "image/decode.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const ablaze::image::JpegDecoder decoder : ablaze::image::jpeg_decoders()) {
    ablaze::fuzz::survive(data, size, [decoder](std::span<const std::byte> bytes) {
      ablaze::image::Notes notes;
      (void)ablaze::image::decode(bytes, "file", notes, decoder);
    });
  }
  return 0;
}
