#include "golden/golden.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include <ablaze/error.hpp>

#include "models/assembler.hpp"
#include "models/families.hpp"
#include "support/seeded.hpp"

namespace ablaze::testing {
namespace {

using Json = nlohmann::json;

std::filesystem::path folder() {
  return std::filesystem::path(ABLAZE_SOURCE_DIR) / "tests" / "data" / "golden";
}

Json read_index(const std::string& network) {
  std::ifstream file(folder() / (network + ".json"));
  return Json::parse(file);
}

std::vector<double> read_numbers(const std::string& network) {
  const std::filesystem::path path = folder() / (network + ".f64");
  std::vector<double> numbers(std::filesystem::file_size(path) / sizeof(double));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(numbers.data()),
            static_cast<std::streamsize>(numbers.size() * sizeof(double)));
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return numbers;
}

Graph build_graph(const Json& index, const std::string& network) {
  models::TensorMap tensors;
  for (const Json& row : index.at("tensors")) {
    const auto name = row.at(0).get<std::string>();
    tensors.emplace(name, seeded_tensor(name, row.at(1).get<Shape>(), row.at(2).get<double>()));
  }
  models::Assembler assembler(tensors, network);
  return models::find_family(tensors, network).build(assembler).graph;
}

Score parse_score(const Json& row) {
  Score score;
  const auto what = row.at(0).get<std::string>();
  score.kind = what == "logit" ? Score::Kind::logit : Score::Kind::probability;
  score.activation = what == "sigmoid" ? Activation::sigmoid : Activation::softmax;
  score.index = row.at(1).get<std::int64_t>();
  return score;
}

}  // namespace

Golden::Golden(const std::string& network) : numbers_(read_numbers(network)) {
  const Json index = read_index(network);
  const std::span<const double> numbers = numbers_;
  graph = build_graph(index, network);
  input_shape = index.at("input").at("shape").get<Shape>();
  kinds = index.at("kinds").get<std::vector<std::string>>();
  scale = index.at("scale").get<float>();

  const Shape logits_shape = index.at("logits").at("shape").get<Shape>();
  const auto row = numbers.subspan(index.at("logits").at("at").get<std::size_t>(),
                                   static_cast<std::size_t>(element_count(logits_shape)));
  logits.assign(row.begin(), row.end());

  for (const Json& entry : index.at("scores")) {
    scores.push_back(parse_score(entry));
    score_names.push_back(entry.dump());
  }
  for (const Json& entry : index.at("activations")) {
    const auto at = entry.at("at").get<std::size_t>();
    activations.push_back({entry.at("layer"), entry.at("shape").get<Shape>(), numbers[at],
                           numbers.subspan(at + 1, entry.at("samples").get<std::size_t>())});
  }
  for (const Json& entry : index.at("drops")) {
    const auto channels = entry.at("channels").get<std::int64_t>();
    const std::size_t count = kinds.size() * scores.size() * static_cast<std::size_t>(channels);
    drops.push_back({entry.at("layer"), channels, numbers.subspan(entry.at("at").get<std::size_t>(), count)});
  }
  const Json& of_gradients = index.at("gradients");
  for (const Json& entry : of_gradients.at("scores")) gradient_scores.push_back(parse_score(entry));
  const auto samples = of_gradients.at("samples").get<std::size_t>();
  auto at = of_gradients.at("at").get<std::size_t>();
  for (const Activation& activation : activations) {
    for (std::size_t score = 0; score < gradient_scores.size(); ++score, at += 2 + samples) {
      gradients.push_back(
          {activation.layer, score, numbers[at], numbers[at + 1], numbers.subspan(at + 2, samples)});
    }
  }
}

Tensor Golden::input() const { return seeded_tensor("input", input_shape); }

Tensor Golden::image(std::int64_t row) const {
  const Tensor batch = input();
  const std::int64_t size = batch.size() / batch.dim(0);
  return Tensor({1, input_shape[1], input_shape[2], input_shape[3]},
                batch.values().subspan(row * size, size));
}

std::vector<double> widened(std::span<const float> values) { return {values.begin(), values.end()}; }

}  // namespace ablaze::testing
