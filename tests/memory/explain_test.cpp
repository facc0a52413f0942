#include <doctest/doctest.h>

#include <ablaze/pictures.hpp>

#include "memory/small.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

ExplainOptions options(const std::string& method) {
  ExplainOptions options;
  options.methods = {method};
  options.classes = {"church", "top1"};
  options.execution.threads = 1;
  options.method.interactions = options.method.paths = 2;
  options.keep_activations = true;
  return options;
}

struct Drawn {
  Image photo = small_photo();
  Explainer explainer = Explainer(small_model(), options("ablation"));
  std::vector<Explanation> explanations = explainer.explain(photo);
};
Drawn drawn() { return {}; }

std::string bytes_of(const Image& picture) {
  std::string bytes;
  add_bytes(bytes, picture.pixels());
  return bytes;
}

}  // namespace

TEST_CASE("every method explains, or there is not enough memory") {
  const Image photo = small_photo();
  for (const MethodInfo& method : methods()) {
    CAPTURE(method.id);
    run_out_of_memory([&] { return Explainer(small_model(), options(method.id)); },
                      [&](Explainer& explainer) { return bytes_of(explainer.explain(photo)); }, 400);
  }
}

TEST_CASE("maps are fused and smoothed, or there is not enough memory") {
  const Image photo = small_photo();
  ExplainOptions wide = options("gradcam");
  wide.fuse = {"relu1", "relu2"};
  wide.smooth = {.augment = true, .principal = true};
  wide.keep_activations = false;
  run_out_of_memory([&] { return Explainer(small_model(), wide); },
                    [&](Explainer& explainer) { return bytes_of(explainer.explain(photo)); }, 100);
}

TEST_CASE("explanations are drawn, or there is not enough memory") {
  run_out_of_memory(drawn, [](const Drawn& state) {
    const MapStyle style{.box = 0.5};
    const auto ranges = drawn_ranges(state.explanations, style);
    return bytes_of(explanation_picture(state.photo, state.explanations[0], ranges[0], style));
  });
  run_out_of_memory(
      drawn,
      [](const Drawn& state) {
        return bytes_of(contact_sheet(state.photo, state.explanations, {}, "a photo"));
      },
      60);
  run_out_of_memory(
      drawn,
      [](const Drawn& state) {
        std::string bytes;
        const Model model = state.explainer.model();
        const Steps steps = draw_steps(model.preprocess, state.explanations[0], state.photo);
        for (const StepPicture& step : steps.pictures) bytes += bytes_of(step.picture);
        return bytes;
      },
      60);
}
