// An image made for this test, a golf ball below a parachute: class-discriminative methods must separate the
// two, with both shipped models.

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

using namespace ablaze;

namespace {

constexpr const char* folder = ABLAZE_SOURCE_DIR "/weights/";

/// The share of a map in the upper right half of the image, where the parachute is; the ball is in the lower
/// left half.
double share_up_right(const Tensor& map) {
  double inside = 0, all = 0;
  const auto height = static_cast<double>(map.dim(0)), width = static_cast<double>(map.dim(1));
  for (std::int64_t y = 0; y < map.dim(0); ++y) {
    for (std::int64_t x = 0; x < map.dim(1); ++x) {
      const double value = map[y * map.dim(1) + x];
      const double right = (static_cast<double>(x) + 0.5) / width;
      const double down = (static_cast<double>(y) + 0.5) / height;
      inside += value * (right > down ? 1 : right == down ? 0.5 : 0);
      all += value;
    }
  }
  REQUIRE(all > 0);
  return inside / all;
}

struct Pair {
  std::string method;
  Explanation parachute, ball;
};

/// The methods' explanations of both classes, without CAM if the network does not support it.
std::vector<Pair> explained(const std::string& model, std::vector<std::string> methods) {
  Explainer explainer(
      load_model(folder + model + "-imagenette.safetensors"),
      {.methods = std::move(methods), .classes = {"parachute", "golf ball"}, .method = {.until = 0.1}});
  auto all = explainer.explain(Image::load(std::string(folder) + "golf-ball-and-parachute.png"));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < all.size(); i += 2)
    pairs.push_back({all[i].method, std::move(all[i]), std::move(all[i + 1])});
  return pairs;
}

std::vector<std::string> class_discriminative(bool with_cam) {
  std::vector<std::string> ids;
  for (const MethodInfo& method : methods()) {
    if (method.class_discriminative && (with_cam || method.id != "cam")) ids.push_back(method.id);
  }
  return ids;
}

}  // namespace

TEST_CASE("methods that tell classes apart tell the golf ball from the parachute") {
  for (const std::string model : {"resnet18_thin", "vgg11_bn_thin"}) {
    CAPTURE(model);
    for (const Pair& pair : explained(model, class_discriminative(model == "resnet18_thin"))) {
      CAPTURE(pair.method);
      CHECK(share_up_right(pair.ball.map) < 0.4);
      if (model == "vgg11_bn_thin" && pair.method == "eigengradcam") {
        // At this layer, the strongest component for the parachute is the evidence against it: the ball.
        CHECK(pair.parachute.note.find("almost all evidence is against") != std::string::npos);
        continue;
      }
      CHECK(share_up_right(pair.parachute.map) > 0.7);
    }
  }
}

TEST_CASE("Eigen-CAM shows one thing for both classes, and random weights nothing") {
  for (const std::string model : {"resnet18_thin", "vgg11_bn_thin"}) {
    CAPTURE(model);
    const auto pairs = explained(model, {"eigencam", "random"});
    CHECK(share_up_right(pairs[0].ball.map) == share_up_right(pairs[0].parachute.map));
    CHECK(share_up_right(pairs[1].ball.map) > 0.4);
  }
}
