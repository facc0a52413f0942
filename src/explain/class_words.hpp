#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

namespace ablaze::explain {

/// One parsed --class word: a class, or the `best` first classes of the ranking.
struct ClassRequest {
  std::int64_t index = -1;  ///< -1: from the ranking
  int best = 0;
};

/// Parses the words without logits, so that errors are reported before any run. Throws UsageError.
std::vector<ClassRequest> parse_class_words(const Model& model, std::span<const std::string> words);

/// The requested classes, each once, in the order of the requests.
std::vector<ClassScore> answer_requests(const Model& model, std::span<const float> logits,
                                        std::span<const ClassRequest> requests);

}  // namespace ablaze::explain
