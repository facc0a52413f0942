// Opens a network up: look_inside PHOTO
// Reads a layer's activations, asks "what if one channel were silent?" by resuming from that layer, and
// follows a longer run, which it cancels halfway.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <ablaze/ablaze.hpp>

namespace {

/// The channel of a [1, C, H, W] activation with the largest sum.
std::int64_t strongest_channel(const ablaze::Tensor& activation) {
  const std::int64_t channels = activation.dim(1);
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  std::vector<double> sums;
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* plane = activation.data() + c * area;
    sums.push_back(std::accumulate(plane, plane + area, 0.0));
  }
  return std::max_element(sums.begin(), sums.end()) - sums.begin();
}

ablaze::Tensor without_channel(ablaze::Tensor activation, std::int64_t channel) {
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  std::fill_n(activation.data() + channel * area, area, 0.0F);
  return activation;
}

void print_best(const ablaze::Model& model, const ablaze::Tensor& logits, const char* when) {
  const ablaze::ClassScore best = ablaze::top_classes(model, logits.values(), 1).at(0);
  std::cout << when << ": " << best.label << ", logit " << best.logit << '\n';
}

void look_inside(const char* file) {
  const ablaze::Model model = ablaze::load_model(ablaze::shipped_model());
  const std::string layer = "layer3";

  // A session is the network compiled for one input shape; layers to be read are named here.
  ablaze::SessionOptions options;
  options.input = model.input_shape();
  options.keep = {layer};
  const ablaze::Session session(model.graph, options);

  // A trace holds the results of one run.
  const ablaze::Trace trace = session.run(ablaze::preprocess(ablaze::Image::load(file), model.preprocess));
  print_best(model, trace.logits(), "as it is");

  const ablaze::Tensor activation = trace.activation(layer);
  const std::int64_t channel = strongest_channel(activation);
  std::cout << layer << " is " << ablaze::to_string(activation.shape()) << ", its strongest channel "
            << channel << '\n';

  // Runs only the layers after this one.
  print_best(model, trace.resume(layer, without_channel(activation, channel)), "without that channel");

  // Ablating every channel takes longer; a callback that returns false cancels it.
  const ablaze::Score score{ablaze::Score::Kind::logit, 0};
  ablaze::AblateOptions until_half;
  until_half.progress = [](std::int64_t done, std::int64_t total) { return 2 * done < total; };
  try {
    trace.ablate(layer, {}, {&score, 1}, until_half);
  } catch (const ablaze::Cancelled&) {
    std::cout << "stopped halfway\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "Usage: look_inside PHOTO\n";
    return 2;
  }
  try {
    look_inside(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "look_inside: " << error.what() << '\n';
    return 1;
  }
}
