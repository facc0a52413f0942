#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace ablaze::testing {

/// Calls work() in a child after fork() and returns its exit status, 0 if work() returned true.
template <class Work>
int status_of_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace ablaze::testing
