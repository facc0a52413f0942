#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ablaze::cli {

/// The processes that work through one list of tasks together: this one alone, or, in a build with MPI, all
/// that mpirun has started.
class Team {
 public:
  virtual ~Team() = default;
  /// Whether this process writes and prints; one does.
  virtual bool leads() const = 0;
  virtual std::size_t size() const = 0;
  /// Does each of the leader's tasks once, in whichever process is free; what `work` returns is brought to
  /// the leader and handed to its `deliver`, one at a time, in the order in which it gets there. The others'
  /// tasks and `deliver` do not count. What the leader's work or delivery throws ends it in all processes.
  virtual void share(std::span<const std::size_t> tasks,
                     const std::function<std::string(std::size_t task)>& work,
                     const std::function<void(std::string_view result)>& deliver) = 0;
};

/// To be called once, before anything is printed. Throws UsageError where mpirun has started several
/// processes of a build without MPI.
std::unique_ptr<Team> join_team();

}  // namespace ablaze::cli
