#pragma once

#include <cstdint>
#include <string>

namespace ablaze {

/// What single methods may be told; the others ignore it.
struct MethodOptions {
  std::uint64_t seed = 0;  ///< random, shapley: what the random numbers start from
  /// shapley: sample until the largest standard error of a channel's value is at most this part of |y|.
  double until = 0.01;
  /// ablation, shapley: report how this many channels act on each other in pairs; 0: none.
  int interactions = 0;
  /// ablation: report the paths of this many channels from their gradient to their ablation; 0: none.
  int paths = 0;
  std::string base = "gradcam";  ///< finercam: the method that explains the difference
  int references = 3;            ///< finercam: how many similar classes are set against the class
  double strength = 1;           ///< finercam: the factor of their scores
};

}  // namespace ablaze
