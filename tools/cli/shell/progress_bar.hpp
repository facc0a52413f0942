#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <ablaze/progress.hpp>

#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

/// How far a call has come, drawn on standard error, and only where that is a terminal: a bar over
/// all inputs, advanced within each by its own progress, with the rate and the time left.
class ProgressBar {
 public:
  /// Nothing is ever drawn where `quiet`.
  ProgressBar(std::size_t inputs, bool quiet);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// An input begins; what came before it is done.
  void begin(std::size_t input);
  /// Progress within the current input; never cancels. Valid as long as the bar.
  Progress within();
  /// Takes the bar off the terminal, so that text can be printed there. It comes back by itself.
  void make_room();
  /// Takes it off whatever is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void update(std::int64_t done, std::int64_t total);
  std::string line(double seconds) const;
  std::string rate(double seconds) const;

  bool shown_;
  Style style_;
  std::size_t inputs_;
  std::size_t input_ = 0;              // those before it are done
  std::int64_t done_ = 0, total_ = 0;  // within the current one
  bool on_screen_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

}  // namespace ablaze::cli
