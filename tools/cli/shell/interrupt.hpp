#pragma once

namespace ablaze::cli {

/// Makes Ctrl-C, SIGTERM and SIGHUP remove unfinished files and end the program with status 128 + the
/// signal's number. A signal ignored by the caller (nohup) stays ignored.
void clean_up_when_interrupted();

}  // namespace ablaze::cli
