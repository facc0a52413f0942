#pragma once

// For headers that pass JSON values on: base/json.hpp, for the sources, has everything else.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ablaze::base {

/// nlohmann's JSON values as distinct types (by the type of binary values, which are unused), so that two of
/// their members can be specialised: see json.hpp.
template <template <class, class, class...> class Object>
using BasicJson = nlohmann::basic_json<Object, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                       double, std::allocator, nlohmann::adl_serializer, std::vector<char>>;

using Json = BasicJson<nlohmann::ordered_map>;  ///< members keep their order
using SortedJson = BasicJson<std::map>;         ///< members by name

}  // namespace ablaze::base
