#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <ablaze/progress.hpp>

#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

/// The progress of a call, drawn on standard error if that is a terminal: a bar over all inputs, advanced
/// within each by the input's own progress, with the rate and the time left.
class ProgressBar {
 public:
  /// With `quiet`, draws nothing.
  ProgressBar(std::size_t inputs, bool quiet);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Starts an input; the previous ones are done.
  void begin(std::size_t input);
  /// Progress within the current input; never cancels. Valid as long as the bar.
  Progress within();
  /// Erases the bar from the terminal before text is printed there. The next update redraws it.
  void make_room();
  /// Erases the bar, wherever text is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void update(std::int64_t done, std::int64_t total);
  std::string line(double seconds) const;
  std::string rate(double seconds) const;

  bool shown_;
  Style style_;
  std::size_t inputs_;
  std::size_t input_ = 0;              // the previous ones are done
  std::int64_t done_ = 0, total_ = 0;  // within the current input
  bool on_screen_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

}  // namespace ablaze::cli
