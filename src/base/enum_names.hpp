#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::base {

/// The names of an enum's values, in their order: the table behind a to_string and its parse_*.
template <class Enum, std::size_t Count>
struct EnumNames {
  std::string_view what;  ///< "score": the kind of thing, for the error
  std::array<std::string_view, Count> names;

  std::string name_of(Enum value) const { return std::string(names.at(static_cast<std::size_t>(value))); }
  /// Throws UsageError for an unknown name, with the known ones.
  Enum parse(std::string_view text) const {
    for (std::size_t i = 0; i < Count; ++i) {
      if (names[i] == text) return static_cast<Enum>(i);
    }
    const std::vector<std::string> known(names.begin(), names.end());
    throw UsageError("unknown " + std::string(what) + " \"" + printable(text) + "\"" +
                     did_you_mean(text, known) + ": expected " + join(known, " or "));
  }
};

}  // namespace ablaze::base
