#pragma once

#include <filesystem>

namespace ablaze::threads {

/// Cores in this thread's affinity mask.
int cores();

/// Cores' worth of time that the control groups of a process grant it: the least that its group and those
/// above it name; infinity where none does. `groups`: what Linux shows as /proc/self/cgroup; `mount`:
/// /sys/fs/cgroup. Files that are missing or say something else limit nothing.
double cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& mount);

/// The same for this process, read once.
double cpu_quota();

}  // namespace ablaze::threads
