# Sourced by tools/check: the format of all sources, and clang-tidy on the sources of the last commit.
# shellcheck shell=bash

# Other versions of clang-format break lines differently.
style_packages=(
  "clang-format-14 command:clang-format-14"
  "clang-tidy-14 command:clang-tidy-14"
)
most_tidied=8  # sources; the rest of a larger commit waits for tools/check --long

check_style() {
  if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    say "No git repository here: the format of the sources is not checked."
    return
  fi
  long_part "source format" check_format
  long_part "clang-tidy, last commit" tidy_last_commit
}

check_format() {
  git ls-files -z '*.cpp' '*.hpp' | xargs -0 -n 40 -P "$(nproc)" clang-format-14 --dry-run -Werror >&2 ||
    die "Format the sources: git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 -i"
}

# configure_tidy: writes build/debug/compile_commands.json, one entry per source.
configure_tidy() {
  CXX=clang++ cmake --preset debug -DABLAZE_UNITY=OFF -DABLAZE_MPI=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
}

tidy_last_commit() {
  local changed=()
  if ! git rev-parse -q --verify HEAD~1 >/dev/null; then
    say "No commit before this one: clang-tidy has nothing to compare with."
    return
  fi
  mapfile -t changed < <(git diff --name-only --diff-filter=d HEAD~1 -- 'src/*.cpp' 'tools/*.cpp')
  ((${#changed[@]})) || return 0
  if ((${#changed[@]} > most_tidied)); then
    say "clang-tidy looks at $most_tidied of the ${#changed[@]} changed sources; tools/check --long looks at all."
  fi
  configure_tidy
  printf '%s\n' "${changed[@]:0:most_tidied}" | xargs -P "$(nproc)" -n 1 clang-tidy-14 -quiet -p build/debug >&2 ||
    die "clang-tidy reports problems in the last commit."
}
