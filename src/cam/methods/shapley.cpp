#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ablaze/error.hpp>

#include "base/random.hpp"
#include "cam/channel_interactions.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"

// Shapley values of channels: the increase of the score when a channel is added, averaged over all orders of
// the channels. With y(S) the score while the channels outside S are ablated:
//
//     phi_k = mean over orders of (y(before k, and k) - y(before k))      sum_k phi_k = y(A) - y(A')
//     w_k = phi_k / |y|        map = ReLU(sum_k w_k A_k)
//
// Ablation-CAM's drop is the term of an order in which k is last. Orders are sampled together with their
// reverses (R. Mitchell, J. Cooper, E. Frank and G. Holmes, Sampling Permutations for Shapley Value
// Estimation, 2022). Along an order every set of ablated channels contains the previous one, and their
// changes add up at the first operator that mixes channels.

namespace ablaze::cam {

namespace {

constexpr std::int64_t kMaxPairs = 4096;

/// With fewer pairs, the standard error itself is too uncertain for a stopping rule; for few channels, more
/// pairs cost little.
std::int64_t min_pairs(std::size_t players) {
  const auto count = static_cast<std::int64_t>(std::max<std::size_t>(players, 1));
  return std::clamp<std::int64_t>(1024 / count, 8, 256);
}

std::vector<int> shuffled(std::vector<int> players, base::SplitMix64& numbers) {  // Fisher and Yates
  for (std::size_t i = players.size(); i > 1; --i) std::swap(players[i - 1], players[numbers.below(i)]);
  return players;
}

/// The ablated channels when all but the last of an order are present, all but the last two, ...
std::vector<std::vector<int>> sets_along(const std::vector<int>& order) {
  std::vector<std::vector<int>> sets;
  std::vector<int> gone;
  for (auto last = order.rbegin(); last != order.rend(); ++last) {
    gone.insert(std::ranges::upper_bound(gone, *last), *last);
    sets.push_back(gone);
  }
  return sets;
}

/// Adds half of each channel's marginal contribution in an order: `drops` are those of sets_along(order).
void add_marginals(const std::vector<int>& order, std::span<const double> drops, std::vector<double>& sums) {
  double before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sums[order[order.size() - 1 - i]] += (drops[i] - before) / 2;
    before = drops[i];
  }
}

/// Sample means and their standard errors, one of each per channel.
class Estimate {
 public:
  explicit Estimate(std::size_t channels) : mean_(channels), spread_(channels) {}

  void add(const std::vector<double>& sample) {  // Welford's update
    ++count_;
    for (std::size_t k = 0; k < mean_.size(); ++k) {
      const double off = sample[k] - mean_[k];
      mean_[k] += off / static_cast<double>(count_);
      spread_[k] += off * (sample[k] - mean_[k]);
    }
  }
  std::int64_t count() const { return count_; }
  const std::vector<double>& means() const { return mean_; }
  std::vector<double> standard_errors() const {
    const auto n = static_cast<double>(count_);
    std::vector<double> errors;
    for (const double s : spread_) errors.push_back(count_ > 1 ? std::sqrt(s / (n - 1) / n) : 0);
    return errors;
  }

 private:
  std::int64_t count_ = 0;
  std::vector<double> mean_, spread_;
};

double largest(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::ranges::max_element(values);
}

class Sampling {
 public:
  Sampling(const Request& q, const Tensor& activation)
      : q_(q),
        players_(changing_channels(q, activation)),
        numbers_(q.options.seed),
        estimates_(q.targets.size(), Estimate(static_cast<std::size_t>(activation.dim(1)))),
        scores_(q.targets.size()),
        wholes_(q.targets.size()) {
    if (!(q.options.until > 0) || !std::isfinite(q.options.until))
      throw UsageError("Shapley values need a standard error above 0 to stop at, not " +
                       std::to_string(q.options.until));
  }

  void run() {
    while (pairs_ < kMaxPairs && !all_done()) {
      sample_pair();
      report();
    }
  }

  Result result(std::size_t target, const Tensor& activation) const {
    const std::vector<double>& values = estimates_[target].means();
    Result out = result_from_parts(activation, values, scores_[target]);
    out.findings.attributions = values;
    out.findings.standard_errors = estimates_[target].standard_errors();
    out.findings.completeness = {wholes_[target],
                                 std::accumulate(values.begin(), values.end(), 0.0) - wholes_[target],
                                 estimates_[target].count() * 2 * static_cast<std::int64_t>(players_.size())};
    if (!done(target))
      append(out.note, "sampling stopped at its limit, before it reached the requested error");
    return out;
  }

 private:
  /// Decides per target, so that no result depends on the other targets.
  bool done(std::size_t t) const {
    return estimates_[t].count() >= min_pairs(players_.size()) && error(t) <= q_.options.until;
  }
  bool all_done() const {
    for (std::size_t t = 0; t < estimates_.size(); ++t) {
      if (!done(t)) return false;
    }
    return true;
  }

  /// A target's largest standard error over |y|.
  double error(std::size_t t) const {
    const double size = std::abs(scores_[t]);
    return largest(estimates_[t].standard_errors()) / (size > 1e-6 ? size : 1);
  }

  void sample_pair() {
    const std::vector<int> order = shuffled(players_, numbers_);
    const std::vector<int> reverse(order.rbegin(), order.rend());
    std::vector<std::vector<int>> sets = sets_along(order);
    for (auto& set : sets_along(reverse)) sets.push_back(std::move(set));
    const std::vector<ChannelDrops> effects = ablate_sets(q_, q_.ablation, sets, {});
    for (std::size_t t = 0; t < effects.size(); ++t) {
      if (done(t)) continue;
      const std::span<const double> drops(effects[t].drops);
      std::vector<double> sample(estimates_[t].means().size());
      add_marginals(order, drops.first(order.size()), sample);
      add_marginals(reverse, drops.subspan(order.size()), sample);
      estimates_[t].add(sample);
      scores_[t] = effects[t].score;
      wholes_[t] = drops.empty() ? 0 : drops.back();
    }
    ++pairs_;
  }

  /// Estimates the total number of pairs: errors fall with its square root.
  void report() const {
    if (!q_.progress) return;
    std::int64_t total = std::max(pairs_, min_pairs(players_.size()));
    for (std::size_t t = 0; t < estimates_.size(); ++t) {
      const double times = error(t) / q_.options.until;
      const double expected = std::min<double>(kMaxPairs, static_cast<double>(pairs_) * times * times);
      if (!done(t)) total = std::max(total, static_cast<std::int64_t>(expected));
    }
    if (!q_.progress(pairs_, total)) throw Cancelled();
  }

  const Request& q_;
  std::vector<int> players_;
  base::SplitMix64 numbers_;
  std::vector<Estimate> estimates_;
  std::vector<double> scores_, wholes_;
  std::int64_t pairs_ = 0;
};

std::vector<Result> shapley_maps(const Request& request) {
  const Tensor activation = request.trace.activation(request.layer);
  Sampling sampling(request, activation);
  sampling.run();
  std::vector<Result> results;
  for (std::size_t t = 0; t < request.targets.size(); ++t) results.push_back(sampling.result(t, activation));
  if (request.options.interactions != 0) {
    const auto found = interactions_between(request, activation, request.options.interactions);
    for (std::size_t t = 0; t < results.size(); ++t) results[t].findings.interactions = found[t];
  }
  return results;
}

}  // namespace

constexpr Method shapley{
    .id = "shapley",
    .name = "Shapley values of channels",
    .summary =
        "Weights each channel by its contribution to the score, averaged over all orders of the channels.",
    .paper =
        "L. S. Shapley, A Value for n-Person Games, 1953; J. Castro, D. Gomez and J. Tejada, Polynomial "
        "Calculation of the Shapley Value Based on Sampling, Computers and Operations Research 36, 2009",
    .passes =
        "two exact changes per channel for each sampled order and its reverse, 8 or more, until --until",
    .cost = [](const Shape& layer,
               const MethodOptions&) { return Cost{.ablations = 16.0 * static_cast<double>(layer.at(0))}; },
    .explain = shapley_maps,
};

}  // namespace ablaze::cam
