#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ablaze::base {

/// SHA-256 (FIPS 180-4) in lower-case hexadecimal, as sha256sum prints it.
std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

}  // namespace ablaze::base
