#include "cam/channel_interactions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <ablaze/error.hpp>

#include "cam/masks.hpp"

namespace ablaze::cam {

namespace {

constexpr int kMaxPaired = 256;  // 32,640 pairs
constexpr int kMaxPaths = 4096;
constexpr int kStrongestPairs = 10;
constexpr int kPathSteps = 10;

bool changes(const Ablation& ablation, const Tensor& activation, std::int64_t channel) {
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  const std::span<const float> a = activation.values().subspan(channel * area, area);
  switch (ablation.kind) {
    case Ablation::Kind::zero:
      break;
    case Ablation::Kind::scale:
      if (ablation.scale == 1) return false;
      break;
    case Ablation::Kind::mean:
      return !is_flat(activation, channel);
    case Ablation::Kind::mask:
      for (std::int64_t p = 0; p < area; ++p) {
        if (a[p] != 0 && ablation.mask[p] != 0) return true;
      }
      return false;
  }
  return std::ranges::any_of(a, [](float v) { return v != 0; });
}

std::vector<int> all_but(const std::vector<int>& players, int left_out) {
  std::vector<int> out;
  std::ranges::remove_copy(players, std::back_inserter(out), left_out);
  return out;
}

/// The indices of the `count` largest values, in descending order; ties: the lower index.
std::vector<std::size_t> largest(std::span<const double> values, int count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](auto a, auto b) { return values[a] > values[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

Request about(const Request& request, const Target& target) {
  Request one = request;
  one.targets = {&target, 1};
  return one;
}

/// For each target, the `count` players with the largest effect, [targets], and their drops.
struct Strongest {
  std::vector<int> channels;
  std::vector<double> drops;
};

std::vector<Strongest> strongest(const Request& q, const std::vector<int>& players, int count) {
  std::vector<std::vector<int>> sets;
  sets.reserve(2 * players.size() + 1);
  for (const int k : players) sets.push_back({k});
  for (const int k : players) sets.push_back(all_but(players, k));
  sets.push_back(players);
  std::vector<Strongest> out;
  for (const ChannelDrops& effect : ablate_sets(q, q.ablation, sets, q.progress)) {
    std::vector<double> strength;
    for (std::size_t i = 0; i < players.size(); ++i) {
      const double added = effect.drops.back() - effect.drops[players.size() + i];
      strength.push_back(std::max(std::abs(effect.drops[i]), std::abs(added)));
    }
    out.emplace_back();
    for (const std::size_t i : largest(strength, count)) {
      out.back().channels.push_back(players[i]);
      out.back().drops.push_back(effect.drops[i]);
    }
  }
  return out;
}

/// The pairs with the largest sign * I that exceed the rounding errors of a score y.
std::vector<Interactions::Pair> strongest_of(const Interactions& found, double sign, double score) {
  std::vector<Interactions::Pair> pairs;
  for (std::size_t i = 0; i < found.channels.size(); ++i) {
    for (std::size_t j = i + 1; j < found.channels.size(); ++j) {
      if (sign * found.matrix[i][j] > 1e-6 * std::abs(score))
        pairs.push_back({found.channels[i], found.channels[j], found.matrix[i][j]});
    }
  }
  std::ranges::stable_sort(pairs, std::greater<>(), [sign](const auto& pair) { return sign * pair.value; });
  if (pairs.size() > kStrongestPairs) pairs.resize(kStrongestPairs);
  return pairs;
}

Interactions paired(const Request& q, const Strongest& strong) {
  const std::size_t n = strong.channels.size();
  std::vector<std::vector<int>> sets;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) sets.push_back({strong.channels[i], strong.channels[j]});
  }
  const ChannelDrops together = ablate_sets(q, q.ablation, sets, q.progress).at(0);
  Interactions out;
  out.channels = strong.channels;
  out.matrix.assign(n, std::vector<double>(n));
  std::size_t pair = 0;
  for (std::size_t i = 0; i < n; ++i) {
    out.matrix[i][i] = strong.drops[i];
    for (std::size_t j = i + 1; j < n;
         ++j)  // y - y_i - y_j + y_ij from drops, which are more accurate than scores
      out.matrix[i][j] = out.matrix[j][i] = strong.drops[i] + strong.drops[j] - together.drops[pair++];
  }
  out.redundant = strongest_of(out, -1, together.score);
  out.synergistic = strongest_of(out, 1, together.score);
  return out;
}

double gradient_times_activation(const Tensor& gradient, const Tensor& activation, int channel) {
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  double sum = 0;
  for (std::int64_t p = channel * area; p < (channel + 1) * area; ++p)
    sum += static_cast<double>(gradient[p]) * static_cast<double>(activation[p]);
  return sum;
}

std::vector<ChannelPath> paths_of(const Request& q, const Tensor& activation, const ChannelDrops& effect,
                                  int count) {
  const TargetGradient slope = std::move(gradients(q).at(0));
  std::vector<double> sizes;
  for (const double drop : effect.drops) sizes.push_back(std::abs(drop));
  std::vector<ChannelPath> paths;
  std::vector<std::vector<int>> sets;
  for (const std::size_t k : largest(sizes, count)) {
    const int channel = static_cast<int>(k);
    paths.push_back({channel, {1}, {gradient_times_activation(slope.gradient, activation, channel)}});
    sets.push_back({channel});
  }
  for (int step = kPathSteps - 1; step >= 0; --step) {
    const double scale = static_cast<double>(step) / kPathSteps;
    const Ablation scaled{Ablation::Kind::scale, static_cast<float>(scale), {}};
    const ChannelDrops moved = ablate_sets(q, scaled, sets, {}).at(0);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      paths[i].scales.push_back(scale);
      paths[i].values.push_back(moved.drops[i] / (1 - scale));
    }
  }
  return paths;
}

}  // namespace

std::vector<int> changing_channels(const Request& request, const Tensor& activation) {
  std::vector<int> channels;
  for (std::int64_t k = 0; k < activation.dim(1); ++k) {
    if (changes(request.ablation, activation, k)) channels.push_back(static_cast<int>(k));
  }
  return channels;
}

std::vector<Interactions> interactions_between(const Request& q, const Tensor& activation, int count) {
  if (count < 2 || count > kMaxPaired) {
    throw UsageError("interactions are computed for 2 to " + std::to_string(kMaxPaired) +
                     " channels, not for " + std::to_string(count));
  }
  const std::vector<Strongest> strong = strongest(q, changing_channels(q, activation), count);
  std::vector<Interactions> out;
  for (std::size_t t = 0; t < q.targets.size(); ++t) out.push_back(paired(about(q, q.targets[t]), strong[t]));
  return out;
}

std::vector<std::vector<ChannelPath>> channel_paths(const Request& q, const Tensor& activation,
                                                    std::span<const ChannelDrops> effects, int count) {
  if (count < 1 || count > kMaxPaths)
    throw UsageError("paths are computed for 1 to " + std::to_string(kMaxPaths) + " channels, not for " +
                     std::to_string(count));
  std::vector<std::vector<ChannelPath>> out;
  for (std::size_t t = 0; t < q.targets.size(); ++t)
    out.push_back(paths_of(about(q, q.targets[t]), activation, effects[t], count));
  return out;
}

}  // namespace ablaze::cam
