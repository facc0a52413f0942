#include "cli/explain/findings_json.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

namespace {

constexpr std::size_t kMostPairsNamed = 3;

Json as_json(std::span<const Interactions::Pair> pairs) {
  Json out = Json::array();
  for (const auto& pair : pairs)
    out.push_back({{"channels", {pair.first, pair.second}}, {"value", pair.value}});
  return out;
}

Json as_json(const Interactions& found) {
  return {{"channels", found.channels},
          {"matrix", found.matrix},
          {"redundant", as_json(found.redundant)},
          {"synergistic", as_json(found.synergistic)}};
}

Json as_json(std::span<const ChannelPath> paths) {
  Json out = Json::array();
  for (const ChannelPath& path : paths)
    out.push_back({{"channel", path.channel}, {"scales", path.scales}, {"values", path.values}});
  return out;
}

Json as_json(const Model& model, std::span<const std::int64_t> classes) {
  Json out = Json::array();
  for (const std::int64_t c : classes) out.push_back({{"index", c}, {"label", model.label(c)}});
  return out;
}

/// "12 and 45 (-0.31), 3 and 7 (-0.2)"
std::string named(std::span<const Interactions::Pair> pairs) {
  std::vector<std::string> names;
  for (const auto& pair : pairs.first(std::min(pairs.size(), kMostPairsNamed)))
    names.push_back(std::to_string(pair.first) + " and " + std::to_string(pair.second) + " (" +
                    fixed(pair.value, 3) + ")");
  return names.empty() ? "none" : base::join(names);
}

std::string as_text(const Completeness& parts) {
  const double share = parts.whole != 0 ? 100 * std::abs(parts.gap / parts.whole) : 0;
  return "parts add up to " + fixed(parts.whole, 3) + ", within " + fixed(share, 3) + " %, from " +
         grouped(parts.evaluations) + " evaluations";
}

}  // namespace

void add_findings(Json& line, const Model& model, const Findings& findings) {
  if (!findings.attributions.empty()) line["attributions"] = findings.attributions;
  if (!findings.standard_errors.empty()) line["standard_errors"] = findings.standard_errors;
  if (findings.completeness) {
    line["completeness"] = {{"whole", findings.completeness->whole},
                            {"gap", findings.completeness->gap},
                            {"evaluations", findings.completeness->evaluations}};
  }
  if (findings.interactions) line["interactions"] = as_json(*findings.interactions);
  if (!findings.paths.empty()) line["paths"] = as_json(findings.paths);
  if (!findings.against.empty()) line["against"] = as_json(model, findings.against);
}

std::string findings_as_text(const Findings& findings, std::string_view indent) {
  std::string text;
  const auto add = [&](const std::string& words) { text += std::string(indent) + words + "\n"; };
  if (findings.completeness) add(as_text(*findings.completeness));
  if (!findings.standard_errors.empty())
    add("largest standard error " + fixed(*std::ranges::max_element(findings.standard_errors), 4));
  if (findings.interactions) {
    add("redundant pairs: " + named(findings.interactions->redundant));
    add("synergistic pairs: " + named(findings.interactions->synergistic));
  }
  if (!findings.against.empty()) {
    std::vector<std::string> classes;
    for (const std::int64_t c : findings.against) classes.push_back(std::to_string(c));
    add("compared with the classes " + base::join(classes));
  }
  return text;
}

}  // namespace ablaze::cli
