#include "cli/evaluate/team.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <ablaze/error.hpp>

#ifdef ABLAZE_MPI
#include "cli/evaluate/team_mpi.hpp"
#endif

namespace ablaze::cli {

namespace {

class Alone : public Team {
 public:
  bool leads() const override { return true; }
  std::size_t size() const override { return 1; }
  void share(std::span<const std::size_t> tasks, const std::function<std::string(std::size_t)>& work,
             const std::function<void(std::string_view)>& deliver) override {
    for (const std::size_t task : tasks) deliver(work(task));
  }
};

/// The number of processes reported by an MPI launcher; 1 without a launcher.
int started_processes() {
  constexpr std::array sizes{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
  int most = 1;
  for (const char* const name : sizes) {
    if (const char* const value = std::getenv(name)) most = std::max(most, std::atoi(value));
  }
  return most;
}

#ifdef ABLAZE_MPI
/// PMIx sets a process's rank, but not the number of processes.
bool is_launched() { return started_processes() > 1 || std::getenv("PMIX_RANK") != nullptr; }
#endif

}  // namespace

std::unique_ptr<Team> join_team() {
#ifdef ABLAZE_MPI
  if (is_launched()) return join_mpi_team();
#else
  if (started_processes() > 1) {
    throw UsageError(
        "this ablaze was built without MPI, so each process would do all the work: configure it with "
        "-DABLAZE_MPI=ON, or give each process its part with --shard");
  }
#endif
  return std::make_unique<Alone>();
}

}  // namespace ablaze::cli
