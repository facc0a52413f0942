#include "runtime/ablation/scores.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace ablaze::runtime {
namespace {

bool any_probability(std::span<const Score> scores) {
  return std::ranges::any_of(scores, [](const Score& s) { return s.kind == Score::Kind::probability; });
}

}  // namespace

std::vector<double> logits_of(const RunState& trace, int image) {
  const Tensor all = trace.read(trace.session->graph.output());
  const auto classes = static_cast<std::size_t>(all.size() / all.dim(0));
  const auto row = all.values().subspan(static_cast<std::size_t>(image) * classes, classes);
  return {row.begin(), row.end()};
}

double score_of(std::span<const double> logits, const Score& score) {
  if (score.kind == Score::Kind::logit) return logits[static_cast<std::size_t>(score.index)];
  return probabilities(logits, score.activation)[static_cast<std::size_t>(score.index)];
}

double drop_of_score(std::span<const double> logits, std::span<const double> drops, const Score& score) {
  if (score.kind == Score::Kind::logit) return drops[static_cast<std::size_t>(score.index)];
  std::vector<double> changed(logits.size());
  std::ranges::transform(logits, drops, changed.begin(), std::minus<>());
  return score_of(logits, score) - score_of(changed, score);
}

std::int64_t classes_read(std::int64_t classes, std::span<const Score> scores) {
  if (any_probability(scores)) return classes;
  std::set<std::int64_t> wanted;
  for (const Score& score : scores) wanted.insert(score.index);
  return static_cast<std::int64_t>(wanted.size());
}

HeadRows::HeadRows(const CompiledNetwork& network, std::span<const Score> scores) {
  const Weight& weight = std::get<op::Linear>(network.graph.node(network.head).op).weight;
  const std::int64_t classes = weight.shape()[0], columns = weight.shape()[1];
  const bool all = any_probability(scores);
  rows_.resize(static_cast<std::size_t>(classes));
  for (std::int64_t c = 0; c < classes; ++c) {
    if (!all && std::ranges::none_of(scores, [c](const Score& s) { return s.index == c; })) continue;
    rows_[static_cast<std::size_t>(c)].resize(static_cast<std::size_t>(columns));
    weight.read(c * columns, rows_[static_cast<std::size_t>(c)]);
  }
}

std::vector<double> HeadRows::drops(std::span<const float> change) const {
  std::vector<double> result(rows_.size());
  for (std::size_t c = 0; c < rows_.size(); ++c) {
    for (std::size_t j = 0; j < rows_[c].size(); ++j)
      result[c] -= static_cast<double>(change[j]) * static_cast<double>(rows_[c][j]);
  }
  return result;
}

void HeadRows::add_drops(std::int64_t channel, std::span<const double> plane, std::span<double> drops) const {
  const std::size_t first = static_cast<std::size_t>(channel) * plane.size();
  for (std::size_t c = 0; c < rows_.size(); ++c) {
    if (rows_[c].empty()) continue;
    for (std::size_t j = 0; j < plane.size(); ++j)
      drops[c] -= plane[j] * static_cast<double>(rows_[c][first + j]);
  }
}

}  // namespace ablaze::runtime
