#include "cli/shell/progress_bar.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace ablaze::cli {

namespace {

// Short work shows no bar, and the bar changes no faster than the eye can follow.
constexpr auto kPatience = std::chrono::milliseconds(400);
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kBarWidth = 24;

void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

ProgressBar::ProgressBar(std::size_t inputs, bool quiet)
    : shown_(!quiet && isatty(STDERR_FILENO) == 1), style_(style_of(STDERR_FILENO)), inputs_(inputs) {}

void ProgressBar::begin(std::size_t input) {
  input_ = input;
  update(0, 0);
}

Progress ProgressBar::within() {
  return [this](std::int64_t done, std::int64_t total) {
    update(done, total);
    return true;
  };
}

void ProgressBar::make_room() {
  if (isatty(STDOUT_FILENO) != 1) return;  // text does not go to the terminal
  clear();
  drawn_ = {};
}

void ProgressBar::clear() {
  if (!on_screen_) return;
  put("\r\x1b[K");
  on_screen_ = false;
}

void ProgressBar::update(std::int64_t done, std::int64_t total) {
  done_ = done;
  total_ = total;
  const auto now = Clock::now();
  if (!shown_ || now - start_ < kPatience || now - drawn_ < kRedrawEvery) return;
  drawn_ = now;
  put("\r\x1b[K" + line(std::chrono::duration<double>(now - start_).count()));
  on_screen_ = true;
}

/// The rate of inputs if there are several, else of the one input's channels.
std::string ProgressBar::rate(double seconds) const {
  const bool many = inputs_ > 1;
  const double per_second = (many ? static_cast<double>(input_) : static_cast<double>(done_)) / seconds;
  return fixed(per_second, per_second < 10 ? 1 : 0) + (many ? " inputs/s" : " channels/s");
}

std::string ProgressBar::line(double seconds) const {
  const double within = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 0;
  const double fraction =
      (static_cast<double>(input_) + within) / static_cast<double>(std::max<std::size_t>(inputs_, 1));
  const std::string filled = bar(style_, fraction, kBarWidth);
  std::string text = accent(style_, filled) +
                     dim(style_, std::string(kBarWidth - columns(filled), style_.unicode ? ' ' : '.'));
  text = "  [" + text + "] ";
  text += inputs_ > 1 ? std::to_string(input_) + "/" + std::to_string(inputs_)
                      : std::to_string(done_) + "/" + std::to_string(total_);
  text += "  " + rate(seconds);
  if (fraction > 0) text += "  " + clock_time(seconds * (1 - fraction) / fraction) + " left";
  return text;
}

}  // namespace ablaze::cli
