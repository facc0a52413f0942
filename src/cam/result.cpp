#include "cam/result.hpp"

#include <cmath>
#include <utility>

#include "cam/maps.hpp"

namespace ablaze::cam {

namespace {

// A score below this is too close to zero for a meaningful quotient; the normalised map is the same without
// division.
constexpr double kSmallestDivisor = 1e-6;

}  // namespace

void append(std::string& note, const std::string& sentence) {
  if (!note.empty() && !sentence.empty()) note += "; ";
  note += sentence;
}

Result result_from(Tensor sum) {
  require_finite_map(sum);
  Result out;
  out.map = rectified(sum);
  out.note = note_on(sum);
  out.signed_map = std::move(sum);
  return out;
}

Result result_from(const Tensor& activation, std::vector<double> weights) {
  Result out = result_from(weighted_sum(activation, weights));
  out.weights = std::move(weights);
  return out;
}

Result result_from_parts(const Tensor& activation, std::vector<double> parts, double score) {
  const bool divide = std::abs(score) >= kSmallestDivisor;
  if (divide) {
    for (double& part : parts) part /= std::abs(score);
  }
  Result out = result_from(activation, std::move(parts));
  if (divide) out.divisor = std::abs(score);
  if (!divide)
    append(out.note, "the score is close to zero: the drops are used as weights without division by it");
  return out;
}

}  // namespace ablaze::cam
