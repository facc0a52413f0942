#include "cam/principal.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include <ablaze/error.hpp>
#include <ablaze/xtensor.hpp>

#include "cam/maps.hpp"

namespace ablaze::cam {

namespace {

using Matrix = xt::xtensor<double, 2>;
using Vector = std::vector<double>;

/// The terms w_k A_k of the map's sum, for channels with a nonzero weight: [K, H W].
Matrix terms(const Tensor& activation, std::span<const double> weights) {
  const auto places = static_cast<std::size_t>(activation.dim(2) * activation.dim(3));
  const auto rows =
      weights.size() - static_cast<std::size_t>(std::count(weights.begin(), weights.end(), 0.0));
  Matrix out = xt::zeros<double>({rows, places});
  std::size_t row = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (weights[k] == 0) continue;
    const float* const channel = activation.data() + k * places;
    for (std::size_t p = 0; p < places; ++p) out(row, p) = weights[k] * static_cast<double>(channel[p]);
    ++row;
  }
  return out;
}

Vector times(const Matrix& m, const Vector& place) {  // [K, P] [P] -> [K]
  Vector out(m.shape(0));
  for (std::size_t k = 0; k < out.size(); ++k) {
    for (std::size_t p = 0; p < place.size(); ++p) out[k] += m(k, p) * place[p];
  }
  return out;
}

Vector transposed_times(const Matrix& m, const Vector& channel) {  // [K] [K, P] -> [P]
  Vector out(m.shape(1));
  for (std::size_t k = 0; k < channel.size(); ++k) {
    for (std::size_t p = 0; p < out.size(); ++p) out[p] += channel[k] * m(k, p);
  }
  return out;
}

/// Scales to length 1 and returns the previous length.
double normalise(Vector& v) {
  double square = 0;
  for (const double x : v) square += x * x;
  const double length = std::sqrt(square);
  if (length > 0) {
    for (double& x : v) x /= length;
  }
  return length;
}

/// The plane of the strongest channel: a good start for a power iteration, and never orthogonal to all
/// channels.
Vector start_of(const Matrix& m) {
  if (m.shape(0) == 0) return Vector(m.shape(1));
  std::size_t strongest = 0;
  double most = -1;
  for (std::size_t k = 0; k < m.shape(0); ++k) {
    double square = 0;
    for (std::size_t p = 0; p < m.shape(1); ++p) square += m(k, p) * m(k, p);
    if (square > most) {
      most = square;
      strongest = k;
    }
  }
  const auto row = xt::view(m, strongest, xt::all());
  return {row.begin(), row.end()};
}

double squared_distance(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// The first singular vector over locations, of length 1; zeros for a matrix of zeros. A power iteration: if
/// the two largest singular values are almost equal, it stops between their vectors, and each mixture is then
/// an equally good rank-1 approximation.
Vector first_location_vector(const Matrix& m) {
  constexpr int max_rounds = 1000;
  constexpr double settled = 1e-24;  // squared
  Vector place = start_of(m);
  normalise(place);
  for (int round = 0; round < max_rounds; ++round) {
    Vector next = transposed_times(m, times(m, place));
    normalise(next);
    const double moved = squared_distance(next, place);
    place = std::move(next);
    if (moved <= settled) break;
  }
  return place;
}

double total(const Vector& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

/// scale * place as a map of the activation's height and width.
Tensor as_map(const Vector& place, double scale, const Tensor& activation) {
  Tensor out({activation.dim(2), activation.dim(3)});
  for (std::size_t p = 0; p < place.size(); ++p) out.data()[p] = static_cast<float>(scale * place[p]);
  require_finite_map(out);
  return out;
}

}  // namespace

Tensor principal_sum(const Tensor& activation, std::span<const double> weights) {
  require_one_weight_a_channel(activation, weights.size());
  const Matrix m = terms(activation, weights);
  const Vector place = first_location_vector(m);
  return as_map(place, total(times(m, place)), activation);  // sigma times the sum of v
}

Tensor principal_projection(const Tensor& channels) {
  const std::vector<double> ones(channels.dim(1), 1.0);
  require_one_weight_a_channel(channels, ones.size());
  const Matrix m = terms(channels, ones);
  const Vector place = first_location_vector(m);
  Vector v = times(m, place);  // sigma v
  const double sign = total(v) < 0 ? -1 : 1;
  return as_map(place, sign * normalise(v), channels);
}

}  // namespace ablaze::cam
