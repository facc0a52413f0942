#pragma once

#include <memory>

#include "cli/evaluate/team.hpp"

namespace ablaze::cli {

/// The processes started by an MPI launcher. Only in builds with ABLAZE_MPI; call once.
std::unique_ptr<Team> join_mpi_team();

}  // namespace ablaze::cli
