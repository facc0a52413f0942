#pragma once

#include <memory>

#include "cli/evaluate/team.hpp"

namespace ablaze::cli {

/// The processes that an MPI launcher has started. Only in builds with ABLAZE_MPI; to be called once.
std::unique_ptr<Team> join_mpi_team();

}  // namespace ablaze::cli
