#pragma once

namespace ablaze::cli {

/// Lets Ctrl-C, SIGTERM and SIGHUP remove the files that are not finished and end the program with status
/// 128 + the signal's number. A signal that the caller chose to ignore (nohup) stays ignored.
void clean_up_when_interrupted();

}  // namespace ablaze::cli
