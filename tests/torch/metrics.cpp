// metrics MODEL PHOTO METHODS OUT [LEFT TOP RIGHT BOTTOM]...: measures a photo by every metric, prints the
// measurements as one JSON object, and writes the measured maps to OUT/METHOD.npy.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ablaze/ablaze.hpp>

#include "formats/npy.hpp"

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

std::vector<ablaze::PixelRectangle> boxes_from(int count, char** words) {
  std::vector<ablaze::PixelRectangle> boxes;
  for (int i = 0; i + 3 < count; i += 4) {
    const int left = std::stoi(words[i]), top = std::stoi(words[i + 1]);
    boxes.push_back({left, top, std::stoi(words[i + 2]) - left, std::stoi(words[i + 3]) - top});
  }
  return boxes;
}

void run(const std::string& file, const std::string& picture, const std::string& methods,
         const std::filesystem::path& out, const std::vector<ablaze::PixelRectangle>& boxes) {
  const ablaze::Model model = ablaze::load_model(file);
  const ablaze::Image photo = ablaze::Image::load(picture);
  ablaze::ExplainOptions explain;
  explain.methods = split(methods);
  for (const ablaze::Explanation& e : ablaze::Explainer(model, explain).explain(photo))
    ablaze::formats::write_npy(out / (e.method + ".npy"), e.map);

  ablaze::EvaluateOptions options;
  options.metrics.clear();
  options.steps = 10;  // the reference needs a pass for each
  for (const ablaze::MetricInfo& metric : ablaze::metrics()) options.metrics.push_back(metric.id);
  ablaze::Evaluator evaluator(model, explain, options);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const ablaze::PhotoMeasurements measured = evaluator.measure(photo, std::nullopt, boxes);
  for (const ablaze::Measurement& m : measured.measurements)
    all.push_back({{"method", m.method}, {"metric", m.metric}, {"value", m.value}, {"curve", m.curve}});
  const auto stages = evaluator.randomization_stages();
  const nlohmann::ordered_json answer{{"class", measured.target.index},
                                      {"stages", std::vector<std::string>(stages.begin(), stages.end())},
                                      {"measurements", all}};
  std::printf("%s\n", answer.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || (argc - 5) % 4 != 0) {
    std::fprintf(stderr, "usage: metrics MODEL PHOTO METHODS OUT [LEFT TOP RIGHT BOTTOM]...\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], argv[3], argv[4], boxes_from(argc - 5, argv + 5));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "metrics: %s\n", error.what());
    return 1;
  }
}
