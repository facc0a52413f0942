#include "cli/shell/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/command.hpp"

namespace ablaze::cli {

namespace {

constexpr int kProbabilityWidth = 30;
constexpr std::size_t kWidestLabel = 40;
constexpr std::size_t kLongestPath = 4096;

std::string percent(double probability) { return fixed(100 * probability, 1) + " %"; }

}  // namespace

void print_error(std::string_view message) {
  const Style style = style_of(2);
  const std::string line = bold(style, "ablaze: error:") + " " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_remark(std::string_view message) {
  const std::string line = bold(style_of(2), "ablaze:") + " " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_notes(const std::filesystem::path& input, const Picture& picture) {
  for (const std::string& note : picture.notes)
    print_remark(shown(input) + ": " + base::printable(note, 400));
}

void print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    throw Error(std::string("cannot write to standard output: ") + std::strerror(errno));
  }
}

void print_json(const Json& value) {
  print(value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Json to_json(const Picture& picture) {
  if (picture.tensor) return {};
  const Json decoder = picture.jpeg_decoder.empty() ? Json() : Json(picture.jpeg_decoder);
  return {{"jpeg_decoder", decoder}, {"notes", picture.notes}};
}

Json to_json(const ClassScore& score) {
  return {{"index", score.index},
          {"label", score.label},
          {"logit", score.logit},
          {"probability", score.probability}};
}

Json map_to_json(const Tensor& map) {
  return {{"height", map.dim(0)}, {"width", map.dim(1)}, {"values", map.values()}};
}

Json to_json(std::span<const ClassScore> scores) {
  Json list = Json::array();
  for (const ClassScore& score : scores) list.push_back(to_json(score));
  return list;
}

std::string class_bars(const Style& style, std::span<const ClassScore> top) {
  std::size_t width = 0;
  for (const ClassScore& score : top)
    width = std::max(width, columns(base::printable(score.label, kWidestLabel)));
  std::string out;
  for (const ClassScore& score : top) {
    const std::string label = padded(base::printable(score.label, kWidestLabel), width);
    // Without probabilities a bar has no full scale.
    const bool has_probability = !std::isnan(score.probability);
    const std::string value = has_probability ? percent(score.probability) : fixed(score.logit, 3);
    out += "  " + label + "  " + std::string(value.size() < 8 ? 8 - value.size() : 0, ' ') + value;
    if (has_probability) out += "  " + accent(style, bar(style, score.probability, kProbabilityWidth));
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

std::string shown(const std::filesystem::path& path) { return base::printable(path.string(), kLongestPath); }

std::string naming(const std::filesystem::path& input, const std::string& message) {
  const std::string name = shown(input);
  return message.find(name) != std::string::npos || message.find(input.string()) != std::string::npos
             ? message
             : name + ": " + message;
}

int report_failures(std::span<const std::string> failures, std::size_t inputs) {
  for (const std::string& failure : failures) print_error(failure);
  if (failures.empty()) return all_done;
  if (inputs > 1) {
    print_error(std::to_string(failures.size()) + " of " + std::to_string(inputs) +
                " inputs failed (listed above); the others are done");
  }
  return something_failed;
}

void make_folder_of(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  if (folder.empty()) return;
  base::make_folders(folder);
}

}  // namespace ablaze::cli
