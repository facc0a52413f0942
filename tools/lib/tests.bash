# Sourced by tools/check: runs tests, and reports at the end the time of each part and the skipped tests.
# shellcheck shell=bash

parts=()       # "SECONDS NAME"
test_runs=()   # presets whose tests were run
tests_failed=0

# Requirements that no installation can provide, as worded by the tests that miss them.
excused_skips='this processor has no|is not there|set ABLAZE_TEST_DATA'

# part NAME COMMAND...: runs the command and records its time.
part() {
  local name=$1 start=$SECONDS
  shift
  "$@"
  parts+=("$((SECONDS - start)) $name")
}

# long_part NAME COMMAND...: the same; after a failure the check continues and fails at its end.
long_part() {
  local name=$1 start=$SECONDS status
  shift
  set +e
  (set -e; "$@")
  status=$?
  set -e
  if ((status)); then tests_failed=1 name+=", which failed"; fi
  parts+=("$((SECONDS - start)) $name")
}

# run_tests PRESET [CTEST ARGUMENT...]: prints all but ctest's closing lines, which close_check prints.
run_tests() {
  local folder=$PWD/build/$1
  test_runs+=("$1")
  ctest --preset "$1" --parallel "$(nproc)" --output-junit "$folder/tests.xml" "${@:2}" 2>&1 |
    awk -v closing="$folder/closing.txt" '
      BEGIN { printf "" >closing }
      /^[0-9]+% tests passed/ { held = 1 }
      held { print >closing; next }
      { print; fflush() }' || tests_failed=1
}

# times_of FILE.xml: "SECONDS TEST" per line.
times_of() { sed -nE 's/.*<testcase name="([^"]*)".* time="([^"]*)".*/\2 \1/p' "$1" | plain_text; }

# skips_of FILE.xml: "TEST: REASON" per line.
skips_of() {
  awk '
    /<testcase / { match($0, /name="[^"]*"/); name = substr($0, RSTART + 6, RLENGTH - 7); skipped = 0; told = 0 }
    /<skipped/ { skipped = 1 }
    skipped && !told && match($0, /skipped: .*/) {
      reason = substr($0, RSTART + 9); sub(/<\/system-out>.*/, "", reason); print name ": " reason; told = 1
    }
    /<\/testcase>/ && skipped && !told { print name ": no reason given" }' "$1" | plain_text
}

plain_text() { sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g"; }

# close_check: prints the tables, then ctest's own closing lines; returns the exit status of the whole check.
close_check() {
  local preset skips='' wrong=''
  printf '\nseconds  part\n'
  printf '%s\n' "${parts[@]}" | awk '{ s = $1; sub(/^[^ ]* /, ""); printf "%7d  %s\n", s, $0; all += s }
    END { printf "%7d  total\n", all }'
  for preset in "${test_runs[@]}"; do
    printf '\nseconds  the slowest tests of build/%s\n' "$preset"
    times_of "build/$preset/tests.xml" | sort -rn | awk 'NR <= 10 { s = $1; sub(/^[^ ]* /, ""); printf "%7.1f  %s\n", s, $0 }'
    skips+=$(skips_of "build/$preset/tests.xml" | sed "s,^,  build/$preset: ,")
    skips+=${skips:+$'\n'}
  done
  if [[ $skips ]]; then
    skips=$(printf '%s\n' "$skips" | sed '/^$/d')
    printf '\nSkipped: %s\n%s\n' "$(grep -c . <<<"$skips")" "$skips"
    wrong=$(grep -Ev "$excused_skips" <<<"$skips" || true)
  fi
  if [[ $wrong ]]; then
    printf '\nThese tests were skipped although their requirements are installed:\n%s\n' "$wrong"
    tests_failed=1
  fi
  for preset in "${test_runs[@]}"; do
    printf '\n'
    cat "build/$preset/closing.txt"
  done
  exit "$tests_failed"
}
