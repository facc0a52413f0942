#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ablaze::testing {

/// A child process with its standard streams on /dev/null. Killed at the end of the scope if it still runs.
class Child {
 public:
  struct Setup {
    /// The largest file that it may write; the system kills it at the next byte.
    rlim_t file_size = RLIM_INFINITY;
    bool terminal = false;  ///< its standard error is a terminal, so that it shows progress
  };

  /// The limit of all waits, far beyond the time on a slow machine.
  static constexpr std::chrono::minutes kPatience{10};

  explicit Child(std::vector<std::string> words) : Child(std::move(words), Setup()) {}
  Child(std::vector<std::string> words, const Setup& setup) {
    std::string screen;
    if (setup.terminal) screen = open_terminal();
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("cannot start " + words[0]);
    if (process_ == 0) become(arguments, screen, setup);
  }
  ~Child() {
    if (process_ > 0) {
      signal(SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    if (terminal_ >= 0) ::close(terminal_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const { ::kill(process_, number); }

  /// Waits for a condition while it runs.
  template <class Condition>
  void wait_until(Condition condition) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      siginfo_t ended{};
      ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT);
      if (ended.si_pid != 0) throw std::runtime_error("the program ended before what was waited for");
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  /// Waits for the first text on its terminal.
  void wait_for_text() const {
    pollfd screen{terminal_, POLLIN, 0};
    const int ready =
        ::poll(&screen, 1, static_cast<int>(std::chrono::milliseconds(Child::kPatience).count()));
    if (ready != 1 || (screen.revents & POLLIN) == 0)
      throw std::runtime_error("the program showed nothing on its terminal");
  }

  /// Waits for its end: the exit status, or minus the signal that killed it. `usage`: its resource usage.
  int wait(rusage* usage = nullptr) {
    int waited = 0;
    while (::wait4(process_, &waited, 0, usage) < 0 && errno == EINTR) {
    }
    process_ = 0;
    return WIFEXITED(waited) ? WEXITSTATUS(waited) : -WTERMSIG(waited);
  }

 private:
  std::string open_terminal() {
    terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || ::grantpt(terminal_) != 0 || ::unlockpt(terminal_) != 0)
      throw std::runtime_error("this system has no pseudo-terminals");
    return ::ptsname(terminal_);
  }

  [[noreturn]] static void become(const std::vector<char*>& arguments, const std::string& screen,
                                  const Setup& setup) {
    for (const int number : {SIGINT, SIGTERM, SIGXFSZ})
      std::signal(number, SIG_DFL);  // the test may ignore them
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor < 3; ++descriptor) ::dup2(nowhere, descriptor);
    if (!screen.empty()) ::dup2(::open(screen.c_str(), O_RDWR | O_NOCTTY), STDERR_FILENO);
    const rlimit no_core{0, 0}, file_size{setup.file_size, setup.file_size};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (setup.file_size != RLIM_INFINITY) ::setrlimit(RLIMIT_FSIZE, &file_size);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  pid_t process_ = 0;
  int terminal_ = -1;
};

}  // namespace ablaze::testing
