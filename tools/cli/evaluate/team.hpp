#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ablaze::cli {

/// The processes that share one list of tasks: this one only, or, in a build with MPI, all started by mpirun.
class Team {
 public:
  virtual ~Team() = default;
  /// Whether this process writes and prints; exactly one does.
  virtual bool leads() const = 0;
  virtual std::size_t size() const = 0;
  /// Runs each of the leader's tasks once, in any free process. The results of `work` are sent to the leader,
  /// which passes them to its `deliver`, one at a time, in order of arrival. The other processes' `tasks` and
  /// `deliver` are ignored. An exception from the leader's work or delivery ends the call in all processes.
  virtual void share(std::span<const std::size_t> tasks,
                     const std::function<std::string(std::size_t task)>& work,
                     const std::function<void(std::string_view result)>& deliver) = 0;
};

/// Call once, before anything is printed. Throws UsageError where mpirun has started several processes of a
/// build without MPI.
std::unique_ptr<Team> join_team();

}  // namespace ablaze::cli
