#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include <ablaze/error.hpp>

namespace ablaze::fuzz {

/// Runs a reader on arbitrary bytes. An Error with a message is a correct result for invalid input; any other
/// exception ends the run, and the fuzzer keeps the input. With ABLAZE_FUZZ_TELL in the environment, prints
/// the messages: a seed should have none.
template <class Read>
int survive(const std::uint8_t* data, std::size_t size, const Read& read) {
  try {
    read(std::as_bytes(std::span(data, size)));
  } catch (const Error& error) {
    if (std::string_view(error.what()).empty()) std::abort();
    static const bool tell = std::getenv("ABLAZE_FUZZ_TELL") != nullptr;
    if (tell) std::fprintf(stderr, "refused: %s\n", error.what());
  }
  return 0;
}

}  // namespace ablaze::fuzz
