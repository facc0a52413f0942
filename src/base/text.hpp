#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze::base {

/// The candidates nearest to a mistyped word, best first, at most `most`; empty where none is near. Ignores
/// case; a candidate that contains the word is near.
std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates,
                                 std::size_t most = 3);

/// " (did you mean layer4 or layer3?)", or an empty string where nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b and c"
std::string join(std::span<const std::string> words, std::string_view last = " and ");

/// A number with `digits` decimal places; a number that rounds to zero has no sign.
std::string fixed(double number, int digits);

std::string lower(std::string_view text);

/// Lower case, with each run of other characters than letters and digits replaced by one dash, none at the
/// ends. For file names.
std::string slug(std::string_view text);

/// Makes text from a file safe for a terminal: control characters and characters that change the writing
/// direction become '?'; long text is cut.
std::string printable(std::string_view text, std::size_t most = 80);

}  // namespace ablaze::base
