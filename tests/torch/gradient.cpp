// gradient MODEL INPUT.npy LAYER CLASS OUT.npy: writes dy/d LAYER of a class's logit.
#include <cstdio>
#include <exception>
#include <string>

#include <ablaze/ablaze.hpp>

#include "formats/npy.hpp"

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: gradient MODEL INPUT.npy LAYER CLASS OUT.npy\n");
    return 2;
  }
  try {
    const ablaze::Model model = ablaze::load_model(argv[1]);
    const ablaze::Tensor input = ablaze::formats::read_npy(argv[2]);
    ablaze::SessionOptions options;
    options.input = input.shape();
    options.keep = {argv[3]};
    const ablaze::Trace trace = ablaze::Session(model.graph, options).run(input);
    ablaze::Score score;
    score.index = std::stol(argv[4]);
    ablaze::formats::write_npy(argv[5], trace.gradient(argv[3], {&score, 1}).gradients.front());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradient: %s\n", error.what());
    return 1;
  }
}
