#include "kernels/curves.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ablaze::kernels {
namespace {

constexpr double kRootOfTwo = std::numbers::sqrt2;
constexpr double kInverseRootOfPi = std::numbers::inv_sqrtpi;

/// Padded channels are zeros; an infinity there would later be multiplied by zero.
double power(double x, double a, double) { return x == 0 && a < 0 ? 0 : std::pow(x, a); }
double power_slope(double x, double a, double) { return x == 0 ? 0 : a * std::pow(x, a - 1); }

double elu(double x, double a, double b) { return b * (x > 0 ? x : a * std::expm1(x)); }
double elu_slope(double x, double a, double b) { return b * (x > 0 ? 1 : a * std::exp(x)); }

double softplus(double x, double, double) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double softplus_slope(double x, double, double) { return 1 / (1 + std::exp(-x)); }

double mish(double x, double a, double b) { return x * std::tanh(softplus(x, a, b)); }
double mish_slope(double x, double a, double b) {
  const double t = std::tanh(softplus(x, a, b));
  return t + x * (1 - t * t) * softplus_slope(x, a, b);
}

double gelu(double x, double, double) { return 0.5 * x * std::erfc(-x / kRootOfTwo); }
double gelu_slope(double x, double, double) {
  return 0.5 * std::erfc(-x / kRootOfTwo) + x * std::exp(-x * x / 2) * kInverseRootOfPi / kRootOfTwo;
}

double erf(double x, double, double) { return std::erf(x); }
double erf_slope(double x, double, double) { return 2 * kInverseRootOfPi * std::exp(-x * x); }

}  // namespace

const Formula kPower{power, power_slope};
const Formula kElu{elu, elu_slope};
const Formula kSoftplus{softplus, softplus_slope};
const Formula kMish{mish, mish_slope};
const Formula kGelu{gelu, gelu_slope};
const Formula kErf{erf, erf_slope};

}  // namespace ablaze::kernels
