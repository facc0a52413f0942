// `ablaze explain`, as a user runs it.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/image.hpp>

#include "formats/npy.hpp"
#include "support/shared_data.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

using Strings = std::vector<std::string>;

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

Json explain_one(const Workshop& w, std::vector<std::string> words) {
  words.push_back("--json");
  const Finished done = run_explain(w, std::move(words));
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
  return done.json().at(0);
}

struct Point {
  double x = 0, y = 0;
};

/// The centre of a map's weight, from (0, 0) in the upper left to (1, 1) in the lower right corner.
Point centre_of(const Json& map) {
  const auto height = map["height"].get<std::size_t>(), width = map["width"].get<std::size_t>();
  const auto values = map["values"].get<std::vector<double>>();
  Point centre;
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    centre.x += values[i] * (static_cast<double>(i % width) + 0.5) / static_cast<double>(width);
    centre.y += values[i] * (static_cast<double>(i / width) + 0.5) / static_cast<double>(height);
    sum += values[i];
  }
  return {centre.x / sum, centre.y / sum};
}

}  // namespace

TEST_CASE("the shipped models' maps lie on the golf ball and on the parachute") {
  const std::string weights = ABLAZE_SOURCE_DIR "/weights/";
  const Workshop w;
  for (const std::string model : {"resnet18_thin", "vgg11_bn_thin"}) {
    CAPTURE(model);
    const Finished done = run_ablaze({"explain", weights + "golf-ball-and-parachute.png", "--model",
                                      weights + model + "-imagenette.safetensors", "--class", "parachute",
                                      "--class", "golf ball", "--out", w / "out", "--json"});
    REQUIRE(done.status == 0);
    const auto lines = done.json();
    CHECK(lines.at(0)["top"][0]["label"] == "parachute");
    CHECK(lines.at(0)["top"][1]["label"] == "golf ball");
    const Point parachute = centre_of(lines.at(0)["map"]), ball = centre_of(lines.at(1)["map"]);
    CHECK(parachute.x > 0.55);  // the parachute is in the upper right
    CHECK(parachute.y < 0.45);
    CHECK(ball.x < 0.45);  // the ball is in the lower left
    CHECK(ball.y > 0.55);
  }
}

TEST_CASE("without --model the shipped one explains, wherever the program is started") {
  const Workshop w;
  const Finished done =
      run_ablaze({"classify", ABLAZE_SOURCE_DIR "/weights/golf-ball-and-parachute.png", "--json"}, "cd /;");
  REQUIRE(done.status == 0);
  CHECK(done.json().at(0)["architecture"] == "resnet18_thin");
  CHECK(done.json().at(0)["top"][0]["label"] == "parachute");
}

TEST_CASE("explain --json has the promised keys, in order") {
  const Workshop w;
  const Json json = explain_one(w, {w.photo(), "--save-map"});
  const Strings promised{"input", "model", "architecture", "method", "layer", "layer_shape", "target",
                         "top",   "drops", "weights",      "map",    "files", "milliseconds"};
  Strings found = keys(json);
  std::erase_if(found, [&](const std::string& key) {  // there may be others between them
    return std::find(promised.begin(), promised.end(), key) == promised.end();
  });
  CHECK(found == promised);
  CHECK(keys(json["target"]) == Strings{"index", "label", "logit", "probability"});
  CHECK(keys(json["map"]) == Strings{"height", "width", "values"});
  CHECK(keys(json["files"]) ==
        Strings{"overlay", "map", "signed_map", "mask", "paths", "interactions", "steps", "sheet"});
  CHECK(keys(json["milliseconds"]) == Strings{"load", "forward", "attribution", "render"});
  CHECK(json["input"] == w.photo());
  CHECK(json["photo"]["jpeg_decoder"].is_null());  // it is a PNG
  CHECK(json["photo"]["notes"].empty());
  CHECK(json["method"] == "ablation");
  CHECK(json["layer"] == "layer4");
  CHECK(json["layer_shape"] == Json({10, 2, 2}));
  CHECK(json["top"].size() == 5);
  CHECK(json["top"][0] == json["target"]);
}

TEST_CASE("what is odd about a photo's file is told, and who decoded it") {
  const Workshop w;
  std::ifstream file(test_data("image/baseline.jpg"), std::ios::binary);
  const std::string jpeg{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  w.write("odd.jpg", jpeg + "left over");
  const std::string note = "9 bytes follow the JPEG's end";
  for (const std::string command : {"explain", "classify"}) {
    CAPTURE(command);
    Strings words{command, w / "odd.jpg", "--model", w.model(), "--json"};
    if (command == "explain") words.insert(words.end(), {"--out", w / "out"});
    const Finished done = run_ablaze(words);
    CHECK(done.status == 0);
    CHECK(says(done.err, "odd.jpg: " + note));
    REQUIRE(done.json().size() == 1);
    const Json photo = done.json()[0]["photo"];
    CHECK(photo["jpeg_decoder"] == jpeg_decoder());
    CHECK(says(photo["notes"][0].get<std::string>(), note));
    words.emplace_back("--quiet");
    CHECK(run_ablaze(words).err.empty());
  }
  const Finished done = run_ablaze(
      {"activations", w / "odd.jpg", "--model", w.model(), "--layer", "layer4", "--out", w / "layer4.npy"});
  CHECK(says(done.err, note));
}

TEST_CASE("weights are the drops over the score's size, and the map is their rectified sum") {
  const Workshop w;
  const Json json = explain_one(w, {w.photo(), "--layer", "layer3", "--class", "2"});
  const double score = std::abs(json["target"]["logit"].get<double>());
  REQUIRE(json["drops"].size() == 8);
  for (std::size_t k = 0; k < 8; ++k) {
    CHECK(json["weights"][k].get<double>() == doctest::Approx(json["drops"][k].get<double>() / score));
  }

  REQUIRE(
      run_ablaze({"activations", w.photo(), "--model", w.model(), "--layer", "layer3", "--out", w / "a.npy"})
          .status == 0);
  const Tensor a = formats::read_npy(w / "a.npy");  // [1, 8, 4, 4]
  const auto map = json["map"]["values"].get<std::vector<double>>();
  REQUIRE(map.size() == 16);
  for (std::size_t p = 0; p < 16; ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < 8; ++k) sum += json["weights"][k].get<double>() * a.values()[k * 16 + p];
    CHECK(map[p] == doctest::Approx(std::max(sum, 0.0)).epsilon(1e-5));
  }
}

TEST_CASE("the overlay has the photo's size and the saved map is the map") {
  const Workshop w;
  const Json json = explain_one(w, {w.photo(), "--save-map", "--class", "parachute", "--colours", "jet"});
  CHECK(json["files"]["overlay"] == w / "out/photo.ablation.parachute-chute.png");
  CHECK(json["files"]["map"] == w / "out/photo.ablation.parachute-chute.npy");
  const Image overlay = Image::load(json["files"]["overlay"].get<std::string>());
  CHECK(overlay.width() == 90);
  CHECK(overlay.height() == 70);
  const Tensor map = formats::read_npy(json["files"]["map"].get<std::string>());
  CHECK(map.shape() == Shape{2, 2});
  CHECK(json["map"]["values"] == Json(std::vector<float>(map.values().begin(), map.values().end())));
}

TEST_CASE("several classes share a call and their names never collide") {
  const Workshop w;
  const Finished done = run_explain(w, {w.photo(), "--class", "top5", "--class", "1", "--json"});
  CHECK(done.status == 0);
  CHECK(done.json().size() == 5);
  CHECK(w.files_in("out") == Strings{"photo.ablation.a-label-as-long-as-some-are.png",
                                     "photo.ablation.golf-ball-1.png", "photo.ablation.golf-ball-2.png",
                                     "photo.ablation.parachute-chute.png", "photo.ablation.tench.png"});
}

TEST_CASE("a folder's subfolders are mirrored, and equal names are numbered") {
  const Workshop w;
  w.save_picture("set/one/a.png");
  w.save_picture("set/two/a.png");
  w.save_picture("else/a.png");
  w.save_picture("a.png");
  const Finished done = run_explain(w, {w / "set", w / "else", w / "a.png", "--class", "tench", "--quiet"});
  CHECK(done.status == 0);
  CHECK(w.files_in("out") == Strings{"a-2.ablation.tench.png", "a.ablation.tench.png",
                                     "one/a.ablation.tench.png", "two/a.ablation.tench.png"});
  CHECK(std::count(done.out.begin(), done.out.end(), '\n') == 4);  // quiet: only the files
}

TEST_CASE("what a person reads names the classes, the files and the layer") {
  const Workshop w;
  const Finished done = run_explain(w, {w.photo(), "--class", "tench"});
  CHECK(done.status == 0);
  CHECK(done.err.empty());
  CHECK(says(done.out, "tench: ablation at layer4 (10x2x2)"));
  CHECK(says(done.out, w / "out/photo.ablation.tench.png"));
  CHECK(says(done.out, " %"));
}

TEST_CASE("a tensor is explained as it is, at any size") {
  const Workshop w;
  w.save_tensor("input.npy", {1, 3, 96, 64});
  const Json json = explain_one(w, {w / "input.npy", "--class", "tench"});
  CHECK(json["layer_shape"] == Json({10, 3, 2}));
  const Image overlay = Image::load(json["files"]["overlay"].get<std::string>());
  CHECK(overlay.width() == 64);
  CHECK(overlay.height() == 96);
}

TEST_CASE("the kinds of ablation do what they say") {
  const Workshop w;
  const auto drops = [&](const std::string& how, const std::string& score = "logit") {
    return explain_one(w, {w.photo(), "--ablate", how, "--score", score, "--class", "tench"})["drops"]
        .get<std::vector<double>>();
  };
  const auto zero = drops("zero"), half = drops("scale=0.5"), same = drops("scale=1"), mean = drops("mean");
  for (std::size_t k = 0; k < zero.size(); ++k) {
    CHECK(half[k] == doctest::Approx(zero[k] / 2).epsilon(1e-5));  // layer4's tail is linear
    CHECK(same[k] == 0);
    CHECK(std::abs(mean[k]) < 1e-5);
  }
  CHECK(drops("zero", "probability") != zero);

  Image(2, 2).save_png(w / "black.png");
  CHECK(drops("mask=" + w / "black.png") == same);  // nothing is masked
  Image(4, 3).save_png(w / "large.png");
  const Finished wrong = run_explain(w, {w.photo(), "--ablate", "mask=" + w / "large.png"});
  CHECK(wrong.status == 1);
  CHECK(says(wrong.err, "3x4"));
  CHECK(says(wrong.err, "2x2"));
  CHECK(run_explain(w, {w.photo(), "--ablate", "mask=" + w / "missing.png"}).status == 1);
}

TEST_CASE("the numbers do not depend on the threads or on what else is in the call") {
  const Workshop w;
  w.save_picture("other.png", 40, 80);
  const auto numbers = [](Json json) {
    for (const char* key : {"milliseconds", "files", "input"}) json.erase(key);
    return json;
  };
  const Json alone =
      numbers(explain_one(w, {w.photo(), "--layer", "layer1", "--threads", "1", "--class", "tench"}));
  const Finished many = run_explain(w, {w / "other.png", w.photo(), "--layer", "layer1", "--threads", "2",
                                        "--class", "golf ball", "--class", "tench", "--json"});
  CHECK(numbers(many.json().at(3)) == alone);
}

TEST_CASE("mistyped layers, classes and methods are wrong usage, with a suggestion") {
  const Workshop w;
  const auto check = [&](std::vector<std::string> words, const std::string& part) {
    words.push_back(w.photo());
    const Finished done = run_explain(w, words);
    CAPTURE(done.err);
    CHECK(done.status == 2);
    CHECK(says(done.err, part));
    CHECK(w.files_in("out").empty());
  };
  check({"--layer", "layr4"}, "layer4");
  check({"--layer", "fc"}, "no height and width");
  check({"--class", "tensch"}, "did you mean tench");
  check({"--class", "5"}, "5 classes, 0 to 4");
  check({"--class", "golf"}, "ambiguous");
  check({"--method", "ablaton"}, "did you mean ablation");
  check({"--method", "ablation,nothing"}, "nothing");
}

TEST_CASE("what fails is listed at the end, and the rest is done") {
  const Workshop w;
  w.save_picture("set/a.png");
  w.write("set/b.jpg", "text");
  w.save_picture("set/c.png");
  const Finished done = run_explain(w, {w / "set", w / "missing.png", "--class", "tench", "--json"});
  CHECK(done.status == 1);
  CHECK(done.json().size() == 2);
  CHECK(says(done.err, "b.jpg"));
  CHECK(says(done.err, "missing.png"));
  CHECK(says(done.err, "2 of 4 inputs failed"));
  CHECK(w.files_in("out").size() == 2);
}

TEST_CASE("a second run over a folder leaves the first one's pictures alone") {
  const Workshop w;
  w.save_picture("set/a.png");
  for (int run = 0; run < 2; ++run) {
    CHECK(run_ablaze({"explain", w / "set", "--model", w.model(), "--out", w / "set/out", "--class", "tench"})
              .status == 0);
  }
  CHECK(w.files_in("set") == Strings{"a.png", "out/a.ablation.tench.png"});
}

TEST_CASE("--plan tells what an ablation would cost, and explains nothing") {
  const Workshop w;
  const std::string photo = ABLAZE_SOURCE_DIR "/weights/golf-ball-and-parachute.png";
  const Finished done = run_explain(w, {photo, "--plan"});
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
  for (const char* part : {"this plan", "rerunning the tail", "rerunning the network"})
    CHECK(done.out.find(part) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(w / "out"));

  const Finished json = run_explain(w, {photo, "--plan", "--json"});
  REQUIRE(json.status == 0);
  const Json plan = json.json().at(0);
  CHECK(keys(plan) == Strings{"input_shape", "layer", "layer_shape", "method", "steps", "multiply_adds",
                              "batch", "bytes", "packed_bytes"});
  std::int64_t sum = 0;
  for (const Json& step : plan["steps"]) sum += step["multiply_adds"].get<std::int64_t>();
  CHECK(plan["multiply_adds"]["plan"] == sum);
  CHECK(plan["multiply_adds"]["tail"] >= sum);
}
