#include "formats/pytorch/pytorch.hpp"

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const ablaze::formats::TensorFile file = ablaze::formats::parse_pytorch(bytes, nullptr, "file");
    for (const auto& [name, weight] : file.tensors) (void)weight.to_tensor();
  });
}
