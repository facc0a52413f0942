# Sourced by tools/demo and tools/check: installs what is missing, configures, builds.
# shellcheck shell=bash disable=SC2034

# Build dependencies: a Debian package, and a command or a header that shows whether it is installed.
packages=(
  "g++ command:g++"
  "cmake command:cmake"
  "ninja-build command:ninja"
  "pkg-config command:pkg-config"
  "libxtensor-dev header:xtensor/xtensor.hpp"
  "libstb-dev header:stb/stb_image.h"
  "libjpeg-dev header:jpeglib.h"
  "nlohmann-json3-dev header:nlohmann/json.hpp"
  "libcli11-dev header:CLI/CLI.hpp"
  "doctest-dev header:doctest/doctest.h"
  "libbenchmark-dev header:benchmark/benchmark.h"
)

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

# Additional dependencies of the tests.
test_packages=(
  "clang command:clang++"
  "libclang-rt-dev package:libclang-rt-dev"
  "libopenmpi-dev command:mpicxx"
  "openmpi-bin command:mpirun"
  "libonnx-testdata file:/usr/share/libonnx-testdata/data/node"
  "parallel command:parallel"
  "python3 command:python3"
  "curl command:curl"
)
peer_packages=(
  "python3-torch python:torch"
  "python3-torchvision python:torchvision"
  "libopenblas0-pthread package:libopenblas0-pthread"
)
long_packages=(
  "clang-tidy command:run-clang-tidy"
  "g++-multilib package:g++-multilib"
  "qemu-user command:qemu-i386"
)

# present command:NAME | header:PATH | file:PATH | python:MODULE | package:NAME
present() {
  case $1 in
    command:*) command -v "${1#command:}" >/dev/null ;;
    header:*) [[ -e /usr/include/${1#header:} || -e /usr/local/include/${1#header:} ]] ;;
    file:*) [[ -e ${1#file:} ]] ;;
    python:*) /usr/bin/python3 -c "import ${1#python:}" 2>/dev/null ;;
    package:*) dpkg-query -W -f='${Status}' "${1#package:}" 2>/dev/null | grep -q 'ok installed' ;;
  esac
}

# install_missing "PACKAGE PROBE"...: installs the packages whose probe fails; calls apt for nothing else.
install_missing() {
  local missing=() entry as_root=()
  for entry in "$@"; do
    present "${entry#* }" || missing+=("${entry% *}")
  done
  ((${#missing[@]})) || return 0

  if ! command -v apt-get >/dev/null; then
    die "ablaze needs these Debian packages:" "  ${missing[*]}" \
      "apt-get was not found: install the equivalent packages, then run this again."
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "ablaze needs packages, but sudo was not found. As root, run" \
      "  apt-get install ${missing[*]}" "then run this again."
    as_root=(sudo)
  fi
  say "Installing missing packages: ${missing[*]}"
  # An apt that asks questions would wait forever without a user.
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${as_root[@]}" update
  apt-get -o Dpkg::Use-Pty=0 install --assume-no --no-install-recommends "${missing[@]}" 2>/dev/null |
    grep -E '^(Need to get|After this operation)' >&2 || true
  "${as_root[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# build PRESET [TARGET] [CMAKE OPTION]...: quiet on success; prints the full log on failure.
build() {
  local preset=$1 target=$2 log=build/$1/configure.log
  shift 2
  mkdir -p "build/$preset"
  say "Building ablaze in build/$preset (the first time takes a few minutes)"
  cmake --preset "$preset" -DABLAZE_UNITY=ON -DABLAZE_UNITY_TESTS=ON "$@" >"$log" 2>&1 || { cat "$log" >&2; die "CMake could not configure the build."; }
  cmake --build "build/$preset" --target "$target" >&2
}
