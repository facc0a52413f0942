#include "runtime/ablation/logit_drops.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace ablaze::runtime {
namespace {

bool any_probability(std::span<const Score> scores) {
  return std::ranges::any_of(scores, [](const Score& s) { return s.kind == Score::Kind::probability; });
}

}  // namespace

std::vector<std::int64_t> classes_read(std::int64_t classes, std::span<const Score> scores) {
  std::vector<std::int64_t> read;
  if (any_probability(scores)) {
    read.resize(classes);
    std::iota(read.begin(), read.end(), 0);
    return read;
  }
  for (const Score& score : scores) {
    read.push_back(score.index);
    if (score.kind == Score::Kind::margin) read.push_back(score.against);
  }
  std::ranges::sort(read);
  read.erase(std::unique(read.begin(), read.end()), read.end());
  return read;
}

double drop_of_score(std::span<const double> logits, std::span<const std::int64_t> classes,
                     std::span<const double> drops, const Score& score) {
  const auto of = [&](std::int64_t index) {
    return drops[std::ranges::lower_bound(classes, index) - classes.begin()];
  };
  if (score.kind == Score::Kind::logit) return of(score.index);
  if (score.kind == Score::Kind::margin) return of(score.index) - of(score.against);
  std::vector<double> changed(logits.size());
  std::ranges::transform(logits, drops, changed.begin(), std::minus<>());
  return score_of(logits, score) - score_of(changed, score);
}

HeadRows::HeadRows(const CompiledNetwork& network, std::span<const std::int64_t> classes) {
  const Weight& weight = std::get<op::Linear>(network.graph.node(network.head).op).weight;
  const std::int64_t columns = weight.shape()[1];
  for (const std::int64_t c : classes) {
    rows_.emplace_back(static_cast<std::size_t>(columns));
    weight.read(c * columns, rows_.back());
  }
}

std::vector<double> HeadRows::drops(std::span<const float> change) const {
  std::vector<double> result;
  for (const std::vector<float>& row : rows_) {
    double drop = 0;
    for (std::size_t j = 0; j < row.size(); ++j)
      drop -= static_cast<double>(change[j]) * static_cast<double>(row[j]);
    result.push_back(drop);
  }
  return result;
}

void HeadRows::add_drops(std::int64_t channel, std::span<const double> plane, std::span<double> drops) const {
  const std::size_t first = static_cast<std::size_t>(channel) * plane.size();
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t j = 0; j < plane.size(); ++j)
      drops[r] -= plane[j] * static_cast<double>(rows_[r][first + j]);
  }
}

}  // namespace ablaze::runtime
