// A user's first program: loads the shipped model and classifies a generated image.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <vector>

#include <ablaze/ablaze.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    // An exception must keep its type across the boundary of a shared library.
    ablaze::load_model("/there/is/no/such.safetensors");
    return 1;
  } catch (const ablaze::Error&) {
  }
  try {
    // A JPEG goes to the decoder, which must have been linked; this one is truncated.
    const std::vector<std::uint8_t> jpeg{0xFF, 0xD8, 0xFF, 0xD9};
    ablaze::Image::decode(std::as_bytes(std::span(jpeg)));
    return 1;
  } catch (const ablaze::Error&) {
  }
  try {
    std::printf("JPEG by %s\n", ablaze::jpeg_decoder().c_str());
    const std::vector<std::uint8_t> grey(std::size_t{3} * 300 * 200, 128);
    const ablaze::Image photo(300, 200, grey);
    ablaze::Explainer explainer(ablaze::load_model(argv[1]));
    const auto why = explainer.explain(photo);
    std::printf("%s %.3f, map %s\n", why.at(0).target.label.c_str(), why.at(0).target.probability,
                ablaze::to_string(why.at(0).map.shape()).c_str());
    return why.at(0).map.size() > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
