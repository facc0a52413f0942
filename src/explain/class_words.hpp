#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

namespace ablaze::explain {

/// What one --class word asks for: a class, or the `best` first ones of the ranking.
struct ClassRequest {
  std::int64_t index = -1;  ///< -1: the ranking's
  int best = 0;
};

/// Understands the words without any logits, so that a mistake shows before anything runs. Throws
/// UsageError.
std::vector<ClassRequest> parse_class_words(const Model& model, std::span<const std::string> words);

/// The classes asked for, each once, in the order of the requests.
std::vector<ClassScore> answer_requests(const Model& model, std::span<const float> logits,
                                        std::span<const ClassRequest> requests);

}  // namespace ablaze::explain
