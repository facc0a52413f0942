#include "cli/shell/command_line.hpp"
#include "cli/shell/interrupt.hpp"

int main(int argc, char** argv) {
  ablaze::cli::clean_up_when_interrupted();
  return ablaze::cli::run_command_line(argc, argv);
}
