#include "evaluate/run/results.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <ablaze/error.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace ablaze::evaluate {
namespace {

using base::Json;

std::string line_of(Json line, std::size_t more) {
  line["more"] = more;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json head_of(const PhotoResult& result) {
  Json line{{"photo", result.photo}, {"path", result.path}};
  if (result.target >= 0) {
    line["class"] = result.target;
    line["label"] = result.label;
  }
  return line;
}

Json line_of(const PhotoResult& result, const Measurement& measurement) {
  Json line = head_of(result);
  line["method"] = measurement.method;
  line["metric"] = measurement.metric;
  line["value"] = measurement.value;
  if (!measurement.curve.empty()) line["curve"] = measurement.curve;
  if (!measurement.note.empty()) line["note"] = measurement.note;
  return line;
}

/// A line of results.jsonl, with the data to check that its photo is complete.
struct Line {
  std::size_t photo = 0, more = 0;
  Json json;
};

/// Nothing if to_lines did not write the text.
std::optional<Line> parse_line(std::string_view text) {
  Json json = base::parse_json(text);
  if (!json.is_object()) return std::nullopt;
  const auto photo = json.find("photo"), more = json.find("more"), path = json.find("path");
  const bool known = photo != json.end() && photo->is_number_unsigned() && more != json.end() &&
                     more->is_number_unsigned() && path != json.end() && path->is_string();
  if (!known) return std::nullopt;
  const auto number = photo->get<std::size_t>(), rest = more->get<std::size_t>();
  return Line{number, rest, std::move(json)};
}

/// Removes a line including its newline from the text; nothing without a newline.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Measurement measurement_of(const Json& line) {
  Measurement out{line.at("method"), line.at("metric"), 0, {}, line.value("note", std::string())};
  // JSON has no NaN; to_lines writes null.
  const Json& value = line.at("value");
  out.value = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  if (line.contains("curve")) out.curve = line["curve"].get<std::vector<double>>();
  return out;
}

}  // namespace

std::string to_lines(const PhotoResult& result) {
  if (!result.error.empty() || result.measurements.empty()) {
    Json line = head_of(result);
    if (!result.error.empty()) line["error"] = result.error;
    return line_of(std::move(line), 0);
  }
  std::string lines;
  std::size_t more = result.measurements.size();
  for (const Measurement& measurement : result.measurements) {
    lines += line_of(line_of(result, measurement), --more);
  }
  return lines;
}

PhotoResult parse_lines(std::string_view lines) {
  PhotoResult out;
  try {
    while (const auto text = take_line(lines)) {
      const Json line = base::parse_json(*text);
      out.photo = line.at("photo");
      out.path = line.at("path");
      out.target = line.value("class", std::int64_t{-1});
      out.label = line.value("label", std::string());
      out.error = line.value("error", std::string());
      if (line.contains("metric")) out.measurements.push_back(measurement_of(line));
    }
  } catch (const Json::exception&) {
    throw Error("results.jsonl: the lines of photo " + base::printable(out.path) +
                " are not as ablaze wrote them; remove them and run the same command again");
  }
  return out;
}

ScannedResults scan_results(std::string_view text) {
  ScannedResults out;
  const std::size_t size = text.size();
  std::optional<Line> before;  // of the same photo
  while (const auto line_text = take_line(text)) {
    auto line = parse_line(*line_text);
    if (!line) break;
    if (before && (line->photo != before->photo || line->more + 1 != before->more)) break;
    if (line->more == 0) {
      const std::size_t end = size - text.size();
      out.blocks.push_back({line->photo, out.bytes, end - out.bytes, line->json.contains("error")});
      out.bytes = end;
      line.reset();
    }
    before = std::move(line);
  }
  return out;
}

std::vector<ResultBlock> in_photo_order(std::vector<ResultBlock> blocks) {
  std::reverse(blocks.begin(), blocks.end());
  const auto earlier = [](const ResultBlock& a, const ResultBlock& b) { return a.photo < b.photo; };
  std::stable_sort(blocks.begin(), blocks.end(), earlier);
  const auto same = [](const ResultBlock& a, const ResultBlock& b) { return a.photo == b.photo; };
  blocks.erase(std::unique(blocks.begin(), blocks.end(), same), blocks.end());
  return blocks;
}

}  // namespace ablaze::evaluate
