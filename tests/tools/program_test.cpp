// The subcommands except explain, as a user runs them.

#include <cmath>
#include <filesystem>
#include <sched.h>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "formats/npy.hpp"
#include "support/child.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

using Strings = std::vector<std::string>;

/// Status 0 and nothing on standard error.
Finished run_well(const std::vector<std::string>& words) {
  Finished done = run_ablaze(words);
  CHECK(done.status == 0);
  CHECK(done.err == "");
  return done;
}

}  // namespace

TEST_CASE("classify prints the best classes") {
  const Workshop w;
  const Finished done = run_well({"classify", w.photo(), "--model", w.model(), "--top", "2"});
  CHECK(says(done.out, "photo.png\n"));
  CHECK(says(done.out, " %"));
  CHECK(std::count(done.out.begin(), done.out.end(), '%') == 2);
  CHECK_FALSE(says(done.out, "\x1b"));  // no colours without a terminal
}

TEST_CASE("classify --json is one object a line with the promised keys") {
  const Workshop w;
  const auto lines = run_well({"classify", w.photo(), w.photo(), "--model", w.model(), "--json"}).json();
  REQUIRE(lines.size() == 2);
  CHECK(keys(lines[0]) == Strings{"input", "model", "architecture", "top", "milliseconds"});
  CHECK(keys(lines[0]["top"][0]) == Strings{"index", "label", "logit", "probability"});
  CHECK(keys(lines[0]["milliseconds"]) == Strings{"load", "forward"});
  CHECK(lines[0]["input"] == w.photo());
  CHECK(lines[0]["top"] == lines[1]["top"]);
  double sum = 0;
  for (const Json& score : lines[0]["top"]) sum += score["probability"].get<double>();
  CHECK(sum == doctest::Approx(1));  // all five classes
}

TEST_CASE("classify keeps a row a photo in --save-logits, nan for the one that failed") {
  const Workshop w;
  w.write("broken.png", "no picture");
  const Finished done = run_ablaze({"classify", w.photo(), w / "broken.png", w.photo(), "--model", w.model(),
                                    "--save-logits", w / "logits.npy", "--json"});
  CHECK(done.status == 1);
  CHECK(done.json().size() == 2);
  CHECK(says(done.err, "broken.png"));
  CHECK(says(done.err, "1 of 3 inputs failed"));
  const Tensor logits = formats::read_npy(w / "logits.npy");
  REQUIRE(logits.shape() == Shape{3, 5});
  CHECK(std::isnan(logits[5]));
  for (int c = 0; c < 5; ++c) CHECK(logits[c] == logits[10 + c]);
  const auto best = done.json()[0]["top"][0];
  CHECK(logits[best["index"].get<int>()] == best["logit"].get<float>());
}

TEST_CASE("the common options are understood before and after the command") {
  const Workshop w;
  const auto before =
      run_well({"--threads", "1", "--no-winograd", "classify", w.photo(), "--model", w.model(), "--json"});
  const auto after =
      run_well({"classify", w.photo(), "--model", w.model(), "--json", "--no-winograd", "--threads", "2"});
  CHECK(before.json()[0]["top"] == after.json()[0]["top"]);  // threads change no digit
}

TEST_CASE("activations are written as the layer puts them out") {
  const Workshop w;
  const Finished done = run_well(
      {"activations", w.photo(), "--model", w.model(), "--layer", "layer3", "--out", w / "layer3.npy"});
  CHECK(says(done.out, "layer3: 1x8x4x4"));
  CHECK(formats::read_npy(w / "layer3.npy").shape() == Shape{1, 8, 4, 4});
  CHECK(run_well({"activations", w.photo(), "--model", w.model(), "--layer", "avgpool", "--out", w / "a.npy",
                  "--quiet"})
            .out.empty());

  const Finished wrong =
      run_ablaze({"activations", w.photo(), "--model", w.model(), "--layer", "layr3", "--out", w / "x.npy"});
  CHECK(wrong.status == 2);
  CHECK(says(wrong.err, "layer3"));
  CHECK_FALSE(std::filesystem::exists(w / "x.npy"));
}

TEST_CASE("inspect shows the layers, their sums and the default target") {
  const Workshop w;
  const Finished text = run_well({"inspect", w.model()});
  CHECK(says(text.out, "layer4, the default target"));
  CHECK(says(text.out, "conv 7x7 /2"));
  CHECK(says(text.out, "total"));

  const Json json = run_well({"inspect", w.model(), "--json"}).json().at(0);
  std::int64_t parameters = 0, multiply_adds = 0;
  for (const Json& layer : json["layers"]) {
    parameters += layer["parameters"].get<std::int64_t>();
    multiply_adds += layer["multiply_adds"].get<std::int64_t>();
  }
  CHECK(json["parameters"] == parameters);
  CHECK(json["multiply_adds"] == multiply_adds);
  CHECK(json["target_layer"] == "layer4");
  CHECK(json["classes"] == 5);
  CHECK(json["labels"][1] == "golf ball");
}

TEST_CASE("inspect --verify tells a whole file from a damaged one") {
  const Workshop w;
  CHECK(says(run_well({"inspect", w.model(), "--verify"}).out, "self-test passed"));

  std::filesystem::copy(w.model(), w / "damaged.safetensors");
  std::string bytes = w.read("damaged.safetensors");
  for (std::size_t i = 4; i <= 400; i += 4)
    bytes.replace(bytes.size() - i, 4, std::string_view("\0\0\x20\x41", 4));  // weights of 10
  w.write("damaged.safetensors", bytes);
  const Finished damaged = run_ablaze({"inspect", w / "damaged.safetensors", "--verify"});
  CHECK(damaged.status == 1);
  CHECK(says(damaged.err, "self-test failed"));
}

TEST_CASE("convert takes labels one a line, and says what it made") {
  const Workshop w;
  write_thin_resnet(w / "plain.safetensors");
  w.write("labels.txt", "a\nb\r\nc\n\nd\ne\n");
  const Finished done =
      run_well({"convert", w / "plain.safetensors", "--out", w / "model.safetensors", "--labels",
                w / "labels.txt", "--dtype", "f16", "--activation", "sigmoid", "--crop", "32", "--mean",
                "0.5", "--std", "0.5,0.25,0.2", "--provenance", "made for a test"});
  CHECK(says(done.out, "5 classes, target layer layer4; self-test passed"));
  const Json json = run_well({"inspect", w / "model.safetensors", "--json"}).json().at(0);
  CHECK(json["labels"] == Json({"a", "b", "c", "d", "e"}));
  CHECK(json["activation"] == "sigmoid");
  CHECK(json["preprocess"]["resize"] == 32);
  CHECK(json["preprocess"]["mean"] == Json({0.5, 0.5, 0.5}));
  CHECK(json["preprocess"]["std"][1] == 0.25);
  CHECK(json["provenance"] == "made for a test");
  CHECK(w.read("model.safetensors").size() < w.read("plain.safetensors").size());
}

TEST_CASE("convert keeps the source's preprocessing, except what options set") {
  const Workshop w;  // its model takes 64 x 64 pixels
  const auto preprocess = [&](const char* option, const char* value) {
    run_well({"convert", w.model(), "--out", w / "again.safetensors", option, value});
    return run_well({"inspect", w / "again.safetensors", "--json"}).json().at(0)["preprocess"];
  };
  const Json grey = preprocess("--mean", "0.5");
  CHECK(grey["mean"] == Json({0.5, 0.5, 0.5}));
  CHECK(grey["resize"] == 64);
  CHECK(grey["crop"] == 64);
  const Json larger = preprocess("--resize", "72");
  CHECK(larger["resize"] == 72);
  CHECK(larger["crop"] == 64);
  const Finished small =
      run_ablaze({"convert", w.model(), "--out", w / "small.safetensors", "--resize", "32"});
  CHECK(small.status == 2);
  CHECK(says(small.err, "--resize 32 is less than the side of the network's input, 64"));
}

TEST_CASE("convert refuses labels that do not fit, and writes nothing") {
  const Workshop w;
  write_thin_resnet(w / "plain.safetensors");
  w.write("few.txt", "a\nb\n");
  w.write("odd.json", "[1, 2, 3, 4, 5]");
  w.write("none.txt", "\n");
  for (const char* labels : {"few.txt", "odd.json", "none.txt", "missing.txt"}) {
    CAPTURE(labels);
    const Finished done = run_ablaze(
        {"convert", w / "plain.safetensors", "--out", w / "new/model.safetensors", "--labels", w / labels});
    CHECK(done.status == 1);
    CHECK(w.files_in("new").empty());
  }
}

TEST_CASE("bench times every step and signs the logits") {
  const Workshop w;
  const auto bench = [&](const std::string& threads) {
    return run_well({"bench", w.model(), "--repeats", "2", "--json", "--threads", threads}).json().at(0);
  };
  const Json one = bench("1"), two = bench("2");
  CHECK(one["steps"].size() > 10);
  CHECK(one["steps"][0]["milliseconds"].get<double>() >= 0);
  CHECK(one["steps"][0]["share_of_peak"].get<double>() > 0);
  CHECK(one["milliseconds"]["pass"].get<double>() > 0);
  CHECK(one["peak_gigaflops"].get<double>() > 0);
  CHECK(one["share_of_peak"].get<double>() > 0);
  CHECK(one["handover_nanoseconds"] == 0);
  CHECK(one["signature"].get<std::string>().size() == 16);
  CHECK(one["signature"] == two["signature"]);

  const Finished text = run_well({"bench", w.model(), "--repeats", "1"});
  CHECK(says(text.out, "whole pass"));
  CHECK(says(text.out, "of peak"));
  CHECK(says(text.out, "signature " + one["signature"].get<std::string>()));
}

TEST_CASE("bench says where the machine was too busy for its figures to mean anything") {
  const Workshop w;
  cpu_set_t before, one;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&one);
  for (int core = 0; CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
  }
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  {
    // Three competing processes on its only core leave it a quarter, independent of the machine's load.
    const std::vector<std::string> loop{"/bin/sh", "-c", "while :; do :; done"};
    const Child first(loop), second(loop), third(loop);
    const Finished json = run_well({"bench", w.model(), "--repeats", "1", "--json", "--threads", "2"});
    CHECK(json.json().at(0)["share_of_cores"].get<double>() < 0.6);
    CHECK(json.json().at(0)["quiet"] == false);
    CHECK(says(run_well({"bench", w.model(), "--repeats", "1"}).out, "The machine was busy"));
  }
  REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("bench passes a batch of images at once") {
  const Workshop w;
  const Json three = run_well({"bench", w.model(), "--repeats", "1", "--batch", "3", "--json"}).json().at(0);
  CHECK(three["input"][0] == 3);
  CHECK(three["steps"][0]["output"][0] == 3);
  CHECK(says(run_well({"bench", w.model(), "--repeats", "1", "--batch", "3"}).out, "per image"));
  CHECK(run_ablaze({"bench", w.model(), "--batch", "65"}).status == 2);
}

TEST_CASE("bench takes its images from a file and saves their logits") {
  const Workshop w;
  w.save_tensor("images.npy", {2, 3, 64, 64});
  run_well(
      {"bench", w.model(), "--repeats", "1", "--input", w / "images.npy", "--save-logits", w / "logits.npy"});
  const Tensor logits = formats::read_npy(w / "logits.npy");
  CHECK(logits.shape() == Shape{2, 5});
  w.save_tensor("flat.npy", {3, 64, 64});
  w.save_tensor("many.npy", {65, 3, 8, 8});
  for (const char* bad : {"flat.npy", "many.npy"}) {
    const Finished done = run_ablaze({"bench", w.model(), "--input", w / bad});
    CHECK(done.status == 1);
    CHECK(says(done.err, "expected NxCxHxW with at most 64 images"));
  }
}

TEST_CASE("methods lists the methods") {
  CHECK(says(run_well({"methods"}).out, "Ablation-CAM"));
  const auto lines = run_well({"methods", "--json"}).json();
  CHECK(lines.at(0)["id"] == "ablation");
  CHECK(lines.at(0)["needs_gradients"] == false);
}
