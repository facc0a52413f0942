#include "cam/fusion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/text.hpp"

namespace ablaze::cam {

namespace {

double largest_magnitude(const Tensor& map) {
  double largest = 0;
  for (const float v : map.values()) largest = std::max(largest, std::abs(static_cast<double>(v)));
  return largest;
}

const Tensor& finest(std::span<const Tensor> maps) {
  return *std::max_element(maps.begin(), maps.end(),
                           [](const Tensor& a, const Tensor& b) { return a.size() < b.size(); });
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double farthest_from_zero(std::span<const double> values) {
  return *std::max_element(values.begin(), values.end(),
                           [](double a, double b) { return std::abs(a) < std::abs(b); });
}

double signed_geometric_mean(std::span<const double> values) {
  const bool positive = values.front() > 0;
  double product = 1;
  for (const double v : values) {
    if (v == 0 || (v > 0) != positive) return 0;
    product *= std::abs(v);
  }
  return std::copysign(std::pow(product, 1 / static_cast<double>(values.size())), values.front());
}

double join(std::span<const double> values, Fusion how) {
  switch (how) {
    case Fusion::maximum:
      return farthest_from_zero(values);
    case Fusion::product:
      return signed_geometric_mean(values);
    case Fusion::mean:
      break;
  }
  return mean(values);
}

}  // namespace

Tensor fuse(std::span<const Tensor> maps, Fusion how) {
  if (maps.empty()) throw Error("no maps to fuse");
  for (const Tensor& map : maps) {
    if (map.rank() != 2 || map.size() == 0)
      throw Error("expected maps of [height, width] to fuse, found one of " + to_string(map.shape()));
  }
  const Tensor& finest_map = finest(maps);
  const auto height = static_cast<int>(finest_map.dim(0)), width = static_cast<int>(finest_map.dim(1));

  std::vector<Tensor> enlarged;
  std::vector<double> divisors;
  for (const Tensor& map : maps) {
    const double largest = largest_magnitude(map);
    enlarged.push_back(map.shape() == finest_map.shape() ? map : upsample_map(map, width, height));
    divisors.push_back(largest > 0 ? largest : 1);
  }
  Tensor fused(finest_map.shape());
  std::vector<double> here(maps.size());
  for (std::int64_t p = 0; p < fused.size(); ++p) {
    for (std::size_t i = 0; i < maps.size(); ++i) here[i] = enlarged[i][p] / divisors[i];
    fused[p] = static_cast<float>(join(here, how));
  }
  return fused;
}

}  // namespace ablaze::cam

namespace ablaze {

namespace {

constexpr std::array kFusions{Fusion::mean, Fusion::maximum, Fusion::product};

}  // namespace

std::string to_string(Fusion fusion) {
  switch (fusion) {
    case Fusion::maximum:
      return "max";
    case Fusion::product:
      return "product";
    case Fusion::mean:
      break;
  }
  return "mean";
}

Fusion parse_fusion(std::string_view name) {
  std::vector<std::string> names;
  for (const Fusion fusion : kFusions) {
    names.push_back(to_string(fusion));
    if (names.back() == name) return fusion;
  }
  throw UsageError("cannot fuse maps by \"" + base::printable(name) + "\"" + base::did_you_mean(name, names) +
                   ": expected " + base::join(names, " or "));
}

}  // namespace ablaze
