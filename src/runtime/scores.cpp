#include "runtime/scores.hpp"

#include <ablaze/error.hpp>

#include "base/enum_names.hpp"

namespace ablaze {

namespace {
constexpr base::EnumNames<Score::Kind, 3> kScoreNames{"score", {"logit", "probability", "margin"}};
constexpr base::EnumNames<Ablation::Kind, 4> kAblationNames{"ablation", {"zero", "scale", "mean", "mask"}};
constexpr base::EnumNames<AblationMethod, 3> kMethodNames{"method of ablation",
                                                          {"closed form", "changes", "tail rerun"}};
constexpr base::EnumNames<AblationStep::Kind, 5> kStepNames{
    "kind of ablation step", {"channel-local", "first mixing", "dense", "last linear", "closed form"}};
}  // namespace

std::string to_string(Score::Kind kind) { return kScoreNames.name_of(kind); }
Score::Kind parse_score_kind(std::string_view name) { return kScoreNames.parse(name); }
std::string to_string(Ablation::Kind kind) { return kAblationNames.name_of(kind); }
Ablation::Kind parse_ablation_kind(std::string_view name) { return kAblationNames.parse(name); }
std::string to_string(AblationMethod method) { return kMethodNames.name_of(method); }
AblationMethod parse_ablation_method(std::string_view name) { return kMethodNames.parse(name); }
std::string to_string(AblationStep::Kind kind) { return kStepNames.name_of(kind); }
AblationStep::Kind parse_ablation_step_kind(std::string_view name) { return kStepNames.parse(name); }

}  // namespace ablaze

namespace ablaze::runtime {
namespace {

void require_class(std::int64_t index, std::int64_t classes) {
  if (index >= 0 && index < classes) return;
  throw UsageError("class " + std::to_string(index) + " does not exist: the network has " +
                   std::to_string(classes));
}

std::int64_t best_other(std::span<const double> logits, std::int64_t index) {
  std::int64_t best = -1;
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(logits.size()); ++c) {
    if (c == index) continue;
    if (best < 0 || logits[c] > logits[best]) best = c;
  }
  if (best < 0) throw UsageError("a margin needs two classes, but the network has one");
  return best;
}

}  // namespace

std::vector<double> logits_of(const RunState& trace, int image) {
  const Tensor all = trace.read(trace.network().graph.output());
  const auto classes = static_cast<std::size_t>(all.size() / all.dim(0));
  const auto row = all.values().subspan(static_cast<std::size_t>(image) * classes, classes);
  return {row.begin(), row.end()};
}

std::vector<Score> settle(std::span<const Score> scores, std::span<const double> logits) {
  const auto classes = static_cast<std::int64_t>(logits.size());
  std::vector<Score> settled(scores.begin(), scores.end());
  for (Score& score : settled) {
    require_class(score.index, classes);
    if (score.kind != Score::Kind::margin) continue;
    if (score.against == -1) score.against = best_other(logits, score.index);
    require_class(score.against, classes);
    if (score.against == score.index)
      throw UsageError("the margin of class " + std::to_string(score.index) +
                       " to itself is always 0: give another class");
  }
  return settled;
}

double score_of(std::span<const double> logits, const Score& score) {
  const auto index = static_cast<std::size_t>(score.index);
  switch (score.kind) {
    case Score::Kind::probability:
      return probabilities(logits, score.activation)[index];
    case Score::Kind::margin:
      return logits[index] - logits[score.against];
    case Score::Kind::logit:
      break;
  }
  return logits[index];
}

std::vector<double> score_gradient(std::span<const double> logits, const Score& score) {
  const auto index = static_cast<std::size_t>(score.index);
  std::vector<double> gradient(logits.size(), 0.0);
  if (score.kind == Score::Kind::margin) gradient[score.against] = -1;
  if (score.kind != Score::Kind::probability || score.activation == Activation::none) {
    gradient[index] = 1;
    return gradient;
  }
  if (score.activation == Activation::sigmoid) {
    // 1 - p is the sigmoid of -y; the difference would lose its digits if p is nearly 1.
    const double y[] = {logits[index], -logits[index]};
    const std::vector<double> p = probabilities(std::span<const double>(y), score.activation);
    gradient[index] = p[0] * p[1];
    return gradient;
  }
  const std::vector<double> p = probabilities(logits, score.activation);
  double others = 0;  // 1 - p, without cancellation
  for (std::size_t c = 0; c < p.size(); ++c) {
    if (c == index) continue;
    gradient[c] = -p[index] * p[c];
    others += p[c];
  }
  gradient[index] = p[index] * others;
  return gradient;
}

}  // namespace ablaze::runtime
