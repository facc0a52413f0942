#include "cli/shell/interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include "base/files.hpp"

namespace ablaze::cli {

namespace {

// Async-signal-safe calls only: unlink, and exit without destructors or atexit functions.
extern "C" void end_cleanly(int signal) {
  base::remove_unfinished_files();
  _exit(128 + signal);
}

}  // namespace

void clean_up_when_interrupted() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = end_cleanly;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace ablaze::cli
