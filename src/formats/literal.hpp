#pragma once

#include <string>
#include <string_view>

#include "base/json_fwd.hpp"

namespace ablaze::formats {

/// What a value may contain besides JSON.
enum class LiteralForm {
  python,  ///< Python's literals: 'text', numbers as keys, tuples, None, comments, OrderedDict(...)
  yaml,    ///< YAML's flow form: also words without quotes, [person, traffic light]
};

/// Reads the text of a Python or YAML literal, as scripts print their lists and dictionaries, as a JSON
/// value; keys that are numbers become text. Evaluates nothing: names other than True, False, None, dict and
/// OrderedDict are refused, as are sets, which have no order. Values nest at most 16 deep. Throws Error
/// naming the file and the line.
base::SortedJson parse_literal(std::string_view text, LiteralForm form, const std::string& file);

}  // namespace ablaze::formats
