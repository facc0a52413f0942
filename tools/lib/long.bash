# Sourced by tools/check: the checks that take too long for every commit.
# shellcheck shell=bash

long_parts() {
  long_part "fuzzing, $1 minutes per target" tests/fuzz/run $(($1 * 60))
  long_part "ThreadSanitizer build" build tsan all
  part "ThreadSanitizer tests" run_tests tsan -R '^(runtime|threads|cam|evaluate):'
  long_part "non-unity build" build plain all -DABLAZE_TESTS=ON -DABLAZE_DEVELOPER=ON -DABLAZE_UNITY=OFF -DABLAZE_UNITY_TESTS=OFF
  long_part "repeated kills" repeated_kills 20
  long_part "speed guards" prove_guards
  long_part "soak" soak 500
  long_part "clang-tidy" tidy
  long_part "32-bit build" build_32_bit
  long_part "out of memory" out_of_memory 50
}

# repeated_kills ROUNDS: repeats the tests that kill the program.
repeated_kills() {
  ctest --preset plain -R 'killed at any moment|[Cc]trl-C|a signal (between|among)' --repeat "until-fail:$1" >&2
}

# prove_guards: checks that each speed test detects work of twice the duration.
prove_guards() { ABLAZE_PROVE_GUARDS=1 ctest --preset plain -L speed >&2; }

# soak ROUNDS: one process explains many images; its memory must not grow after the first tenth.
soak() {
  local photos=() folder pid rss first=0 last=0 i
  folder=$(mktemp -d)
  for ((i = 0; i < $1; ++i)); do
    cp weights/golf-ball-and-parachute.png "$folder/$i.png"
    photos+=("$folder/$i.png")
  done
  build/plain/ablaze explain "${photos[@]}" --out "$folder/out" --class top2 >"$folder/log" &
  pid=$!
  while rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [[ $rss ]]; do
    last=$rss
    if ((first == 0)) && (($(find "$folder/out" -name '*.png' 2>/dev/null | wc -l) > $1 / 10)); then first=$rss; fi
    sleep 0.2
  done
  wait "$pid"
  rm -r "$folder"
  say "resident memory after a tenth of $1 photos: $first KiB, at the end: $last KiB"
  ((first > 0)) || die "The soak test ended before its memory was measured."
  ((last < first + first / 10 + 8192)) || die "The program's memory grows with the number of explained photos."
}

tidy() {
  configure_tidy
  run-clang-tidy -quiet -p build/debug "$PWD/(src|tools)/" >build/debug/tidy.log 2>/dev/null ||
    { grep -E 'warning:|error:' build/debug/tidy.log >&2; die "clang-tidy reports problems: build/debug/tidy.log"; }
  if grep -qE 'warning:|error:' build/debug/tidy.log; then
    grep -E 'warning:|error:' build/debug/tidy.log >&2
    die "clang-tidy reports problems: build/debug/tidy.log"
  fi
}

# Checks that the 32-bit program classifies and explains as the 64-bit one; in an emulator where the kernel
# cannot run it.
build_32_bit() {
  local program=(build/m32/ablaze) photo=weights/golf-ball-and-parachute.png
  build m32 ablaze_program
  "${program[@]}" --version >/dev/null 2>&1 || program=(qemu-i386 build/m32/ablaze)
  "${program[@]}" explain "$photo" --class top2 --out build/m32/out >/dev/null
  diff <("${program[@]}" classify "$photo") <(build/plain/ablaze classify "$photo") >&2 ||
    die "The 32-bit program classifies the photo differently from the 64-bit program."
}

# out_of_memory SAMPLES: runs the shipped models, refusing one memory request after another.
out_of_memory() {
  ABLAZE_MEMORY_SAMPLES=$1 ABLAZE_MEMORY_SEED=$RANDOM build/plain/tests/memory/test_memory_shipped >&2
}
