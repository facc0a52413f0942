#include "threads/available.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "threads/threads.hpp"

namespace ablaze::threads {
namespace {

namespace fs = std::filesystem;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

double number_in(std::string_view text) {
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && number > 0 ? static_cast<double>(number) : kUnlimited;
}

std::string word_of(const fs::path& file) {
  std::ifstream in(file);
  std::string word;
  in >> word;
  return word;
}

/// Control groups, version 2: "max 100000" or "150000 100000", microseconds of a period.
double quota_of_unified(const fs::path& folder) {
  std::ifstream in(folder / "cpu.max");
  std::string quota, period;
  if (!(in >> quota >> period)) return kUnlimited;
  const double of = number_in(period);
  return std::isinf(of) ? kUnlimited : number_in(quota) / of;
}

/// Version 1: two files; a quota below zero means none.
double quota_of_controller(const fs::path& folder) {
  const double period = number_in(word_of(folder / "cpu.cfs_period_us"));
  return std::isinf(period) ? kUnlimited : number_in(word_of(folder / "cpu.cfs_quota_us")) / period;
}

/// The least quota of a group and the groups above it. A container sees its own group as the root, whatever
/// its path.
template <class Read>
double least_quota(const fs::path& root, const fs::path& group, Read read) {
  double least = read(root);
  fs::path folder = root;
  for (const fs::path& part : group.relative_path()) {
    if (part == "..") return least;
    folder /= part;
    least = std::min(least, read(folder));
  }
  return least;
}

bool lists(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == wanted) return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

double cpu_quota(const fs::path& groups, const fs::path& mount) {
  // Lines "0::/group" (version 2) and "4:cpu,cpuacct:/group" (version 1).
  double least = kUnlimited;
  std::ifstream in(groups);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, least_quota(mount, group, quota_of_unified));
    } else if (lists(controllers, "cpu")) {
      for (const std::string& folder : {std::string(controllers), std::string("cpu")})
        least = std::min(least, least_quota(mount / folder, group, quota_of_controller));
    }
  }
  return least;
}

double cpu_quota() {
  static const double quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota;
}

int cores() {
#if defined(__linux__)
  cpu_set_t mask;
  // Fails on machines with more than 1,024 cores, which are counted below.
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int available() {
  const double quota = cpu_quota();
  const int most = cores();
  return quota >= most ? most : std::max(1, static_cast<int>(std::ceil(quota)));
}

}  // namespace ablaze::threads
