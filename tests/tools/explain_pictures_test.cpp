// `ablaze explain`: finer maps, and the images other than the overlay.

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/image.hpp>
#include <ablaze/model.hpp>

#include "formats/npy.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

using Strings = std::vector<std::string>;

std::vector<Json> explain_json(const Workshop& w, Strings words) {
  words.push_back("--json");
  const Finished done = run_explain(w, std::move(words));
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
  return done.json();
}

std::vector<double> values(const Json& map) { return map["values"].get<std::vector<double>>(); }

}  // namespace

TEST_CASE("fused layers give one map at the finest one's resolution") {
  const Workshop w;
  const Json json =
      explain_json(w, {w.photo(), "--layer", "layer2,layer4", "--fuse=max", "--class", "tench"}).at(0);
  CHECK(json["layer"] == "layer2,layer4");
  CHECK(json["layer_shape"] == Json({16, 8, 8}));
  CHECK(json["drops"].is_null());
  REQUIRE(json["fused"].size() == 2);
  CHECK(json["fused"][1]["layer"] == "layer4");
  CHECK(json["fused"][1]["layer_shape"] == Json({10, 2, 2}));
  const Json alone = explain_json(w, {w.photo(), "--layer", "layer4", "--class", "tench"}).at(0);
  CHECK(json["fused"][1]["drops"] == alone["drops"]);
  CHECK(json["fused"][1]["map"] == alone["map"]);
  CHECK(values(json["map"]).size() == 64);
}

TEST_CASE("a size is the same as running the larger input") {
  const Workshop w;
  const Json large = explain_json(w, {w.photo(), "--size", "128", "--class", "tench"}).at(0);
  CHECK(large["input_shape"] == Json({1, 3, 128, 128}));
  CHECK(large["layer_shape"] == Json({10, 4, 4}));
  const Image photo = Image::load(w.photo());
  Preprocess how = load_model(w.model()).preprocess;
  how.resize *= 2;
  how.crop *= 2;
  formats::write_npy(w / "large.npy", preprocess(photo, how));
  const Json direct = explain_json(w, {w / "large.npy", "--class", "tench"}).at(0);
  CHECK(direct["drops"] == large["drops"]);
  CHECK(direct["map"] == large["map"]);
  CHECK(Image::load(large["files"]["overlay"].get<std::string>()).width() == photo.width());

  const Finished tensor = run_explain(w, {w / "large.npy", "--size", "96"});
  CHECK(tensor.status == 1);
  CHECK(says(tensor.err, "applies to photos only"));
}

TEST_CASE("smoothed maps keep the weights and do not depend on the threads") {
  const Workshop w;
  const auto map = [&](Strings words) {
    words.insert(words.begin(), {w.photo(), "--layer", "layer3", "--class", "tench"});
    return explain_json(w, words).at(0);
  };
  const Json plain = map({}), augmented = map({"--smooth", "augment", "--threads", "1"});
  CHECK(augmented["weights"] == plain["weights"]);
  CHECK(values(augmented["map"]) != values(plain["map"]));
  CHECK(values(map({"--smooth", "augment", "--threads", "2"})["map"]) == values(augmented["map"]));
  CHECK(values(map({"--smooth", "augment,principal"})["map"]) != values(augmented["map"]));
}

TEST_CASE("a signed map is told, written and drawn") {
  const Workshop w;
  const Json json =
      explain_json(w, {w.photo(), "--signed", "--save-map", "--class", "tench", "--layer", "layer3"}).at(0);
  const auto map = values(json["map"]), all = values(json["signed_map"]);
  REQUIRE(map.size() == all.size());
  for (std::size_t p = 0; p < map.size(); ++p) CHECK(map[p] == std::max(all[p], 0.0));
  CHECK(json["scale"]["low"].get<double>() == -json["scale"]["high"].get<double>());
  const Tensor saved = formats::read_npy(json["files"]["signed_map"].get<std::string>());
  CHECK(std::vector<double>(saved.values().begin(), saved.values().end()) == all);
  const Tensor above = formats::read_npy(json["files"]["map"].get<std::string>());
  CHECK(std::vector<double>(above.values().begin(), above.values().end()) == map);
}

TEST_CASE("classes on a shared scale are drawn on one range in the score's unit") {
  const Workshop w;
  const auto lines = explain_json(w, {w.photo(), "--class", "top3", "--shared-scale"});
  REQUIRE(lines.size() == 3);
  double largest = 0;
  for (const Json& json : lines) {
    const auto map = values(json["map"]);
    largest = std::max(largest, *std::max_element(map.begin(), map.end()) * json["divisor"].get<double>());
  }
  for (const Json& json : lines)
    CHECK(json["scale"]["high"].get<double>() * json["divisor"].get<double>() == doctest::Approx(largest));
}

TEST_CASE("the box lies round the mask, in the photo's pixels") {
  const Workshop w;
  const std::string photo = ABLAZE_SOURCE_DIR "/weights/golf-ball-and-parachute.png";
  const Finished done = run_ablaze({"explain", photo, "--model",
                                    ABLAZE_SOURCE_DIR "/weights/resnet18_thin-imagenette.safetensors",
                                    "--box=0.5", "--class", "golf ball", "--out", w / "out", "--json"});
  REQUIRE(done.status == 0);
  const Json json = done.json().at(0), box = json["box"];
  CHECK(box["threshold"] == 0.5);
  const auto number = [&](const char* key) { return box[key].get<int>(); };
  CHECK(number("x") + number("width") < 448 * 3 / 4);  // the ball is in the lower left
  CHECK(number("y") > 448 / 2);
  CHECK(box["mask"]["size"] == Json({448, 448}));
  const auto counts = box["mask"]["counts"].get<std::vector<std::int64_t>>();
  CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == 448 * 448);
  const Image mask = Image::load(json["files"]["mask"].get<std::string>());
  const auto lit = std::count(mask.pixels().begin(), mask.pixels().end(), std::uint8_t{255}) / 3;
  CHECK(lit == box["pixels"].get<std::int64_t>());
}

TEST_CASE("a map that points at no place has no box, and a word") {
  const Workshop w;
  w.save_tensor("input.npy", {3, 64, 64});
  Tensor zero({3, 64, 64});
  formats::write_npy(w / "zero.npy", zero);
  const auto lines = explain_json(w, {w.photo(), "--ablate", "scale=1", "--box", "--class", "tench"});
  CHECK(lines.at(0)["box"].is_null());
  CHECK(lines.at(0)["files"]["mask"].is_null());
  CHECK(says(lines.at(0)["note"].get<std::string>(), "zero everywhere"));
  CHECK(w.files_in("out") == Strings{"photo.ablation.tench.png"});
}

TEST_CASE("the steps are all there, and the JSON is last and agrees with --json") {
  const Workshop w;
  const Json json =
      explain_json(w, {w.photo(), "--steps", w / "way", "--class", "tench", "--layer", "layer3"}).at(0);
  CHECK(w.files_in("way") == Strings{"photo.ablation.tench/1-input.png",
                                     "photo.ablation.tench/2-channels.png", "photo.ablation.tench/3-sum.png",
                                     "photo.ablation.tench/4-relu.png", "photo.ablation.tench/5-overlay.png",
                                     "photo.ablation.tench/steps.json"});
  CHECK(json["files"]["steps"] == w / "way/photo.ablation.tench");
  const Json steps = Json::parse(w.read("way/photo.ablation.tench/steps.json"));
  CHECK(steps["target"] == json["target"]);
  CHECK(steps["steps"].size() == 5);
  for (const Json& step : steps["steps"]) {
    const Image picture = Image::load(w / ("way/photo.ablation.tench/" + step["file"].get<std::string>()));
    CHECK_FALSE(picture.empty());
  }
  for (const Json& channel : steps["steps"][1]["strongest"]) {
    const auto k = channel["channel"].get<std::size_t>();
    CHECK(channel["weight"] == json["weights"][k]);
    CHECK(channel["drop"] == json["drops"][k]);
  }
  CHECK(steps["steps"][2]["order"].size() == json["weights"].size());
  CHECK(steps["steps"][2]["after"].back()["difference"] == 0);
  CHECK(steps["steps"][3]["after"] == json["map"]);
  CHECK(w.read("way/photo.ablation.tench/5-overlay.png") == w.read("out/photo.ablation.tench.png"));

  // A second run over the folder does not treat the first one's images as photos.
  w.save_picture("set/a.png");
  for (int run = 0; run < 2; ++run)
    CHECK(run_explain(w, {w / "set", "--steps", w / "set/way", "--class", "tench", "-q"}).status == 0);
  CHECK(w.files_in("set").size() == 7);
}

TEST_CASE("a contact sheet is written where it is asked for, and named in every line") {
  const Workshop w;
  CHECK(explain_json(w, {w.photo(), "--class", "top2"}).at(0)["files"]["sheet"].is_null());
  const auto lines = explain_json(w, {w.photo(), "--class", "top2", "--sheet"});
  for (const Json& json : lines) CHECK(json["files"]["sheet"] == w / "out/photo.sheet.png");
  const Image sheet = Image::load(w / "out/photo.sheet.png");
  CHECK(sheet.width() == 720);
  const Finished quiet = run_explain(w, {w.photo(), "--class", "top2", "--sheet", "-q"});
  CHECK(std::count(quiet.out.begin(), quiet.out.end(), '\n') == 3);
}

TEST_CASE("names that would be one are numbered") {
  const Workshop w;
  w.save_picture("photo.ablation.png");  // its sheet and overlays must not collide with those of photo.png
  w.save_picture("x/photo.png");
  const Finished done = run_explain(w, {w.photo(), w / "photo.ablation.png", w / "x/photo.png", "--class",
                                        "tench", "--sheet", "--box", "--steps", w / "way", "-q"});
  CHECK(done.status == 0);
  std::vector<std::string> paths;
  std::istringstream lines(done.out);
  for (std::string line; std::getline(lines, line);) paths.push_back(line);
  const auto count = paths.size();
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  CHECK(paths.size() == count);
  for (const auto& path : paths) CHECK(std::filesystem::exists(path));
}

TEST_CASE("paths and interactions are drawn, and the files are named") {
  const Workshop w;
  const Json json = explain_json(w, {w.photo(), "--layer", "layer3", "--class", "tench", "--paths", "3",
                                     "--interactions", "4"})
                        .at(0);
  CHECK(json["files"]["paths"] == w / "out/photo.ablation.tench.paths.png");
  CHECK(json["files"]["interactions"] == w / "out/photo.ablation.tench.interactions.png");
  CHECK_FALSE(Image::load(w / "out/photo.ablation.tench.paths.png").empty());
  CHECK_FALSE(Image::load(w / "out/photo.ablation.tench.interactions.png").empty());
  CHECK(json["paths"].size() == 3);
  const Json plain = explain_json(w, {w.photo(), "--class", "tench"}).at(0);
  CHECK(plain["files"]["paths"].is_null());
  CHECK(plain["files"]["interactions"].is_null());
}

TEST_CASE("a margin is taken against the runner-up, or the class that is named") {
  const Workshop w;
  const auto one = [&](const std::string& score) {
    return explain_json(w, {w.photo(), "--layer", "layer3", "--class", "tench", "--score", score}).at(0);
  };
  const Json plain = one("logit"), other = one("margin=3");
  const Json third =
      explain_json(w, {w.photo(), "--layer", "layer3", "--class", "3", "--score", "logit"}).at(0);
  CHECK(other["against"][0]["index"] == 3);
  for (std::size_t k = 0; k < plain["drops"].size(); ++k) {
    const double expected = plain["drops"][k].get<double>() - third["drops"][k].get<double>();
    CHECK(other["drops"][k].get<double>() == doctest::Approx(expected).epsilon(1e-4).scale(1e-5));
  }
  CHECK(one("margin=parachute")["against"] == other["against"]);
  const Json best = one("margin");
  const auto top = best["top"];
  CHECK(best["against"][0]["index"] == (top[0]["label"] == "tench" ? top[1] : top[0])["index"]);
}

TEST_CASE("what does not go together is wrong usage, and nothing is written") {
  const Workshop w;
  const auto check = [&](Strings words, const std::string& part) {
    words.push_back(w.photo());
    const Finished done = run_explain(w, words);
    CAPTURE(done.err);
    CHECK(done.status == 2);
    CHECK(says(done.err, part));
    CHECK(w.files_in("out").empty());
  };
  check({"--layer", "layer3,layer4"}, "--fuse");
  check({"--layer", "layer4", "--fuse"}, "at least two layers");
  check({"--layer", "layer3,layer4", "--fuse=men"}, "did you mean mean");
  check({"--smooth", "augmnt"}, "did you mean augment");
  check({"--signed", "--colours", "jet"}, "bluered");
  check({"--colours", "bluered"}, "--signed");
  check({"--box=2"}, "at most 1");
  check({"--box=x"}, "0.2");
  check({"--steps", w / "way", "--smooth", "augment"}, "--steps");
  check({"--layer", "layer3,layer4", "--fuse", "--paths", "2"}, "--paths");
  check({"--score", "margn"}, "did you mean margin");
  check({"--score", "logit=3"}, "only margin takes a class");
  check({"--score", "margin="}, "only margin takes a class");
  check({"--score", "margin=top2"}, "one class");
  check({"--score", "margin=nobody"}, "nobody");
  check({"--score", "margin=0", "--class", "0"}, "margin to itself");
  check({"--size", "0"}, "size");
  check({"--size", "16385"}, "size");
}
