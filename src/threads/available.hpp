#pragma once

#include <filesystem>

namespace ablaze::threads {

/// Cores in the calling thread's affinity mask.
int cores();

/// CPU quota of a process's control groups, in cores: the least of its group and the groups above; infinity
/// where none sets one. `groups`: /proc/self/cgroup on Linux; `mount`: /sys/fs/cgroup. Missing or malformed
/// files set no limit.
double cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& mount);

/// The same for this process, read once.
double cpu_quota();

}  // namespace ablaze::threads
