#pragma once

#include <stdexcept>
#include <string>

namespace ablaze {

/// Whatever goes wrong with data: a file, a picture, a model, a tensor of the wrong shape.
/// what() names the thing, what was expected, what was found, and what to do about it.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// The caller asked for something that does not exist (a layer, a class, a method, an option).
/// The command line turns it into exit status 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message) {}
};

/// A progress callback returned false.
class Cancelled : public Error {
 public:
  Cancelled() : Error("cancelled") {}
};

}  // namespace ablaze
