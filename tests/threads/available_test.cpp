#include "threads/available.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <string>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "support/temporary_directory.hpp"
#include "threads/threads.hpp"

using namespace ablaze;

namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("a CPU quota is the least of a control group's and of those above it") {
  const testing::TemporaryDirectory folder;
  const std::filesystem::path root = folder.path(), groups = root / "cgroup", mount = root / "fs";
  const auto quota = [&] { return threads::cpu_quota(groups, mount); };
  CHECK(std::isinf(quota()));  // no such files

  SUBCASE("version 2") {
    write(groups, "0::/system/one\n");
    CHECK(std::isinf(quota()));
    write(mount / "system/one/cpu.max", "max 100000\n");
    CHECK(std::isinf(quota()));
    write(mount / "system/cpu.max", "250000 100000\n");
    CHECK(quota() == doctest::Approx(2.5));
    write(mount / "system/one/cpu.max", "50000 100000\n");
    CHECK(quota() == doctest::Approx(0.5));
    write(groups, "0::/\n");
    CHECK(std::isinf(quota()));
    write(mount / "cpu.max", "300000 100000\n");  // a container's own view
    CHECK(quota() == doctest::Approx(3));
    write(groups, "0::/../../elsewhere\n");
    CHECK(quota() == doctest::Approx(3));
  }
  SUBCASE("version 1") {
    write(groups, "5:memory:/m\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n");
    CHECK(std::isinf(quota()));
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
    CHECK(std::isinf(quota()));
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "150000\n");
    CHECK(quota() == doctest::Approx(1.5));
    write(mount / "cpu/cpu.cfs_period_us", "100000\n");
    write(mount / "cpu/cpu.cfs_quota_us", "120000\n");
    CHECK(quota() == doctest::Approx(1.2));
  }
  SUBCASE("what is no quota limits nothing") {
    for (const char* text : {"", "0 0", "-5 100000", "x y", "100000", "99999999999999999999 1"}) {
      write(groups, "0::/\nnonsense\n::\n");
      write(mount / "cpu.max", text);
      CHECK(std::isinf(quota()));
    }
  }
}

TEST_CASE("threads are as many as the affinity mask has cores") {
  cpu_set_t before, one;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(threads::cores() == CPU_COUNT(&before));
  CHECK(threads::available() >= 1);
  CHECK(threads::available() <= threads::cores());
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
  }
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(threads::cores() == 1);
  CHECK(threads::available() == 1);
  CHECK(threads::resolve(0) == 1);
  CHECK(threads::resolve(5) == 5);
  REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("OMP_NUM_THREADS asks for fewer threads, whatever their source") {
  const char* const before = std::getenv("OMP_NUM_THREADS");
  const std::string saved = before == nullptr ? "" : before;
  const int most = threads::available();
  for (const auto& [value, expected] : {std::pair{"1", 1},
                                        {"1,2", 1},
                                        {"0", most},
                                        {"-3", most},
                                        {"many", most},
                                        {"", most},
                                        {"100000000000000000000", most},
                                        {"1000", most}}) {
    const std::string text = value;  // a structured binding cannot be captured with clang 14
    CAPTURE(text);
    ::setenv("OMP_NUM_THREADS", value, 1);
    CHECK(threads::resolve(0) == expected);
    CHECK(threads::resolve(7) == 7);
  }
  ::unsetenv("OMP_NUM_THREADS");
  CHECK(threads::resolve(0) == most);
  if (before != nullptr) ::setenv("OMP_NUM_THREADS", saved.c_str(), 1);
}

TEST_CASE("a number of threads out of range is a usage error") {
  CHECK_THROWS_AS(threads::resolve(-1), UsageError);
  CHECK_THROWS_AS(threads::resolve(1025), UsageError);
  CHECK(threads::resolve(1024) == 1024);
}
